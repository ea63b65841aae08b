"""What is known of one difference that may be a regression, and how many samples would settle it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isfinite

from scipy import stats

from ..statistics import Difference

LEVEL = 0.05


@dataclass(frozen=True)
class Decision:
    """What is known of a difference."""

    status: str
    """`regression`, `undecided`, `improved` or `pass`."""
    decides: int | None = None
    """Samples that would decide what is undecided; None where no number would."""


def decide(worse: Difference, floor: float, p: float, *, tests: int, n: int) -> Decision:
    """Whether something got worse by more than its floor. `worse`: positive where it did; p: adjusted for all `tests`.

    Regression: the 95 % interval lies on the worse side, p < 5 %, and the difference exceeds the floor; improved: the
    same on the other side. Pass: the interval's worse end is within the floor, or no image tells the two apart. That is
    not corrected for the other tests: each drop that passes unseen does so once in forty times at most. Else undecided.
    """
    shown = p < LEVEL and abs(worse.value) > floor
    if shown and worse.low > 0:
        return Decision("regression")
    if shown and worse.high < 0:
        return Decision("improved")
    if worse.same or worse.high <= floor:
        return Decision("pass")
    return Decision("undecided", _enough(worse, floor, tests, n))


def _enough(worse: Difference, floor: float, tests: int, n: int) -> int | None:
    """Samples that would decide if the difference stayed as it is and its error fell with the root of their number.

    It is as likely as not to stay as large, so that this many settle it about every other time.
    """
    if not isfinite(worse.high - worse.low) or worse.value == floor:
        return None
    if worse.value < floor:  # the worse end must come within the floor
        narrower = (worse.high - worse.value) / (floor - worse.value)
    else:  # the interval must leave zero, and p pass the strictest step of Holm's correction
        strictest = float(stats.norm.isf(LEVEL / 2 / tests))
        narrower = max(worse.value - worse.low, strictest * worse.error) / worse.value
    return ceil(n * max(narrower, 1.0) ** 2)
