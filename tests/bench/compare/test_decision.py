"""What the gate knows of a difference, and how many samples would settle what it does not."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from symmbench.bench.compare.decision import Decision, decide
from symmbench.bench.compare.gate import gate
from symmbench.bench.metrics import Floor, Values, difference_over_seeds
from symmbench.bench.records import Figure
from symmbench.bench.statistics import Difference, mcnemar, paired_shares


def worse(value: float, low: float, high: float, p: float = 0.001) -> Difference:
    inner = value - 0.84 * (value - low), value + 0.84 * (high - value)
    return Difference(value, low, high, *inner, (high - low) / 3.92, p, "test images")


@pytest.mark.parametrize(
    ("value", "low", "high", "p", "status"),
    [
        (
            0.08,
            0.014,
            0.143,
            0.09,
            "undecided",
        ),  # eight points lost, and not after correction: neither shown nor excluded
        (0.08, 0.014, 0.143, 0.02, "regression"),
        (0.008, 0.002, 0.014, 0.02, "undecided"),  # worse, and by more than the floor or less
        (0.005, 0.001, 0.009, 0.02, "pass"),  # worse, and by less than the floor
        (0.000, -0.02, 0.02, 0.99, "undecided"),
        (0.000, -0.009, 0.009, 0.99, "pass"),
        (0.009, 0.008, 0.01, 0.001, "pass"),  # the end may touch the floor
        (-0.03, -0.05, -0.01, 0.001, "improved"),
        (-0.03, -0.05, -0.01, 0.08, "pass"),  # better, and not after correction; a loss is excluded
        (-0.004, -0.006, -0.002, 0.001, "pass"),  # better by less than the floor
        (-0.02, -0.06, 0.02, 0.3, "undecided"),
    ],
)
def test_statuses(value: float, low: float, high: float, p: float, status: str) -> None:
    assert decide(worse(value, low, high), 0.01, p, tests=3, n=100).status == status


def test_what_no_image_tells_apart_passes_however_few_images_there_are() -> None:
    right = np.arange(30) < 25
    same = paired_shares(right, right)
    assert same.high > 0.01 and decide(same, 0.01, 1.0, tests=1, n=30) == Decision("pass")
    exchanged = paired_shares(right, right[::-1])  # as many right, but others
    assert exchanged.value == 0 and decide(exchanged, 0.01, 1.0, tests=1, n=30).status == "undecided"


def test_no_number_decides_a_difference_at_its_floor_or_without_interval() -> None:
    assert decide(worse(0.01, 0.0, 0.02), 0.01, 0.3, tests=1, n=100) == Decision("undecided", None)
    endless = worse(0.05, float("-inf"), float("inf"))
    assert decide(endless, 0.01, 0.3, tests=1, n=100) == Decision("undecided", None)


def shares(n: int, only_a: float, only_b: float) -> Difference:
    """The baseline against ours, which alone are right on these shares of n images."""
    a, b = np.ones(n, dtype=bool), np.ones(n, dtype=bool)
    b[: round(n * only_a)] = a[n - round(n * only_b) :] = False
    return paired_shares(a, b)


@pytest.mark.parametrize(("only_a", "only_b"), [(0.1, 0.045), (0.09, 0.04), (0.05, 0.045), (0.02, 0.025)])
def test_as_many_samples_as_it_says_decide(only_a: float, only_b: float) -> None:
    """The same shares on a larger sample: a regression where the loss exceeds the floor, a pass where it does not."""
    tests, n, floor = 2, 200, 0.01
    small = shares(n, only_a, only_b)
    found = decide(small, floor, min(1.0, tests * small.p), tests=tests, n=n)
    assert found.status == "undecided" and found.decides is not None and found.decides > n
    enough, few = (shares(round(share * found.decides), only_a, only_b) for share in (1.1, 0.7))
    statuses = [decide(one, floor, min(1.0, tests * one.p), tests=tests, n=n).status for one in (enough, few)]
    assert statuses == ["regression" if only_a - only_b > floor else "pass", "undecided"]


@pytest.mark.parametrize("mean", [0.03, 0.004, -0.002])
def test_as_many_samples_decide_of_a_mean(mean: float) -> None:
    """Values whose mean and spread are exactly the same on every number of images."""

    def gap(n: int) -> Difference:
        even = np.array([NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)])
        ids = tuple(map(str, range(n)))
        return difference_over_seeds([Values(ids, mean + 0.2 * even / even.std())], [Values(ids, 0 * even)], False)

    small = gap(100)
    found = decide(small, 0.01, small.p, tests=1, n=100)
    assert found.status == "undecided" and found.decides is not None
    statuses = [decide(d := gap(round(s * found.decides)), 0.01, d.p, tests=1, n=1).status for s in (1.15, 0.85)]
    assert statuses == ["regression" if mean > 0.01 else "pass", "undecided"]


def predicted(results: Any, a: int, b: int, **facts: Any) -> None:
    """`a` of 120 images wrong at the beginning, `b` at the end."""
    rows = results.predictions(results.n - b, flipped=a)
    results.add("m", "cls", rows, metrics={"accuracy": Figure(value=1 - (a + b) / 120)}, **facts)


def test_eight_points_lost_that_the_correction_leaves_open_are_undecided(results: Any) -> None:
    for steps, cells in ((25, [(0, 5), (15, 0)]), (5, [(0, 5), (0, 5)])):
        for a, b in cells:
            predicted(results, a, b, steps=steps)
    base, ours = results.cells[::2], results.cells[1::2]
    report = gate(base, ours, {})
    lost, same = report.checks
    assert lost.difference is not None and lost.difference.high < 0 and lost.value - lost.baseline < -0.08  # type: ignore[operator]
    assert mcnemar(15, 5) < 0.05 < lost.p == pytest.approx(2 * mcnemar(15, 5))
    assert (lost.status, same.status) == ("undecided", "pass") and same.p == 1
    assert (report.verdict, report.exit_code) == ("undecided", 0) and lost.decides and lost.decides > lost.n == 120
    assert f"about {lost.decides:,} samples would decide" in lost.said and "p = 0.083" in lost.said
    assert "neither shown nor excluded" in lost.said and same.said.endswith("the same on every image")
    strict = gate(base, ours, {}, strict=True)
    assert (strict.verdict, strict.exit_code) == ("undecided", 1)
    alone = gate(base[:1], ours[:1], {})  # without another check to correct for
    assert [c.status for c in alone.checks] == ["regression"]
    assert gate(ours[:1], base[:1], {}).checks[0].status == "improved"
    assert gate(base, ours, {"accuracy": Floor(absolute=0.2)}).verdict == "pass"
