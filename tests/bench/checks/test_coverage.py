"""The intervals on data whose truth is known; the full table is made by `bench doctor --coverage`."""

import pytest

from symmbench.bench.checks.coverage import Design, simulate, to_csv
from symmbench.bench.checks.designs import designs

TRIALS = 300
QUICK = designs(quick=True)


@pytest.mark.parametrize("design", QUICK, ids=lambda d: f"{d.measure}-{d.interval}-{d.estimand}".replace(" ", "-"))
def test_intervals_cover_and_comparisons_keep_their_level(design: Design) -> None:
    """Bounds that chance does not reach in so few trials; an interval half as wide or 1.5 times as wide does."""
    (row,) = simulate([design], TRIALS)
    low, high = {"coverage": (0.88, 0.992), "alarms": (0.008, 0.12), "power": (0.6, 1.0)}[design.measure]
    assert low <= row.share <= high


def test_the_table_states_every_design() -> None:
    rows = list(simulate(QUICK[:1], 5))
    header, line = to_csv(rows).splitlines()
    assert header == "interval,estimand,design,measure,trials,told,share" and line.startswith(
        "wilson,accuracy,n=300 p=0.9"
    )
