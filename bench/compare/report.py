"""What a gate found: its checks, worst first, and what they come to."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ...reports import ci
from ..statistics import Difference

PASS, REGRESSION, UNMEASURED, INCOMPARABLE = 0, 1, 2, 3
"""Exit codes."""
OUTCOMES: dict[str, ci.Outcome] = {
    "regression": "failure",
    "incomparable": "error",
    "failed": "error",
    "missing": "error",
    "undecided": "warning",
    "unjudged": "skipped",
    "extra": "skipped",
    "improved": "pass",
    "pass": "pass",
}
"""What a check can be, worst first, in the words of test reports."""
VERDICTS = {
    "regression": ("regression", REGRESSION),
    "incomparable": ("not comparable", INCOMPARABLE),
    "failed": ("not measured", UNMEASURED),
    "missing": ("not measured", UNMEASURED),
    "undecided": ("undecided", PASS),
}
"""What a gate comes to by the worst of its critical checks, and the exit code, where it is not strict."""


@dataclass(frozen=True)
class Check:
    """One metric of one cell, or a cell that could not be compared."""

    cell: str
    metric: str
    status: str
    """One of `OUTCOMES`; `unjudged` and `extra` decide nothing."""
    said: str
    tier: str = "critical"
    """`advisory`: shown, and decides nothing."""
    baseline: float | None = None
    value: float | None = None
    difference: Difference | None = None
    floor: float | None = None
    p: float | None = None
    """Adjusted for all checks (Holm)."""
    n: int | None = None
    """Samples; timed batches, of speed."""
    decides: int | None = None
    """Samples that would decide what is undecided."""

    def outcome(self, strict: bool) -> ci.Outcome:
        """In the words of test reports."""
        plain = "failure" if strict and self.status == "undecided" else OUTCOMES[self.status]
        return "warning" if self.tier == "advisory" and plain in ("failure", "error") else plain


@dataclass(frozen=True, repr=False)
class Report:
    """All checks, worst first, and the verdict."""

    checks: tuple[Check, ...]
    strict: bool = False
    """What is undecided fails too."""

    @property
    def exit_code(self) -> int:
        """1 if anything got worse, else 3 if something cannot be compared, else 2 if something was not measured."""
        return REGRESSION if self.strict and self.verdict == "undecided" else self._worst[1]

    @property
    def verdict(self) -> str:
        """`pass` only if every critical check that could be judged passed."""
        return self._worst[0]

    @property
    def _worst(self) -> tuple[str, int]:
        found = {c.status for c in self.checks if c.tier == "critical"}
        return next((verdict for status, verdict in VERDICTS.items() if status in found), ("pass", PASS))

    def __repr__(self) -> str:
        return f"<{ci.summary(self.page())}>"

    def _repr_html_(self) -> str:
        return ci.to_html(self.page())

    def page(self) -> ci.Page:
        """For a reader."""
        checks = [ci.Check(c.cell, c.metric, _shown(c), c.outcome(self.strict), c.said, asdict(c)) for c in self.checks]
        covers = dict.fromkeys(c.difference.covers for c in self.checks if c.difference)
        return ci.Page(self.verdict, self.exit_code, checks, list(covers))


def _shown(check: Check) -> str:
    return check.status if check.tier == "critical" else f"{check.status} ({check.tier})"
