"""The intervals on data whose truth is known; the full table is made by `python -m symmbench.bench.coverage`."""

import pytest

from symmbench.bench.coverage import Design, designs, run, to_csv

TRIALS = 120
QUICK = designs(quick=True)


@pytest.mark.parametrize("design", QUICK, ids=lambda d: f"{d.measure}-{d.interval}-{d.estimand}".replace(" ", "-"))
def test_intervals_cover_and_comparisons_keep_their_level(design: Design) -> None:
    """Bounds five standard errors of a simulated share away: a broken interval fails, chance does not."""
    (row,) = run([design], TRIALS)
    if design.measure == "coverage":
        assert row.share >= 0.95 - 5 * (0.05 * 0.95 / TRIALS) ** 0.5
    elif design.measure == "alarms":
        assert row.share <= 0.05 + 5 * (0.05 * 0.95 / TRIALS) ** 0.5
    else:
        assert row.share >= 0.4


def test_the_table_states_every_design() -> None:
    rows = list(run(QUICK[:1], 5))
    header, line = to_csv(rows).splitlines()
    assert header == "interval,estimand,design,measure,trials,share" and line.startswith("wilson,accuracy,n=300 p=0.9")
