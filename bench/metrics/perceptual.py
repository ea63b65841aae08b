"""LPIPS of syntheses. Two metrics that published tables mix: to the real image, and between samples of one label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..records import Missing
from .distances import UNPAIRED, labelled, of_pairs
from .metric import Floor, Metric, Subject
from .sample import Values

if TYPE_CHECKING:
    from ..records import Evidence


def _to_real(evidence: Evidence, subject: Subject) -> Values | Missing:
    if not labelled(evidence):
        return UNPAIRED
    rows = evidence.table("samples")
    return Values.of(rows["id"], rows["lpips_gt"])


_LPIPS: dict[str, Any] = {
    "version": 1,
    "tasks": ("sis",),
    "unit": "distance",
    "interval": "bootstrap over labels",
    "floor": Floor(absolute=0.01),
    "judge": "lpips",
}
LPIPS_GT = Metric(
    name="lpips_gt",
    what="LPIPS (AlexNet) to the real image of the same id",
    better="lower",
    rank=34,
    sample=_to_real,
    **_LPIPS,
)
LPIPS_DIVERSITY = Metric(
    name="lpips_diversity",
    what="LPIPS between samples of one label (--samples-per-mask 2 or more)",
    rank=35,
    sample=lambda evidence, subject: of_pairs(evidence, "lpips_diversity"),
    **_LPIPS,
)
