"""How well syntheses follow their labels, as an independent network sees it, beside what it sees in real images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..records import Missing
from .distances import UNPAIRED, labelled
from .metric import Floor, Metric, Subject
from .sample import Sample, Values
from .segmentation import INTERVAL, MeanIoU, iou_per_class, named_classes, regions

if TYPE_CHECKING:
    from ..records import Evidence


def _miou(evidence: Evidence, subject: Subject) -> Sample | Missing:
    return regions(MeanIoU, evidence, subject, "alignment")


def _of_syntheses(evidence: Evidence, subject: Subject) -> Sample | Missing:
    return _miou(evidence, subject) if labelled(evidence) else UNPAIRED


def _right(evidence: Evidence, subject: Subject) -> Sample | Missing:
    return _accuracy(evidence, subject) if labelled(evidence) else UNPAIRED


def _accuracy(evidence: Evidence, subject: Subject) -> Sample:
    rows = evidence.table("samples")
    return Values.of(rows["id"], rows["aligned"])


def _sees(evidence: Evidence, subject: Subject) -> dict[str, Any]:
    """How often the classifier sees each class; nothing where older evidence does not say."""
    if not labelled(evidence):
        return {}
    of = {"syntheses": evidence, "real": evidence.real}
    told = all("seen" in one.table("samples") for one in of.values())
    return {"seen": {name: _shares(one, subject) for name, one in of.items()}} if told else {}


def _shares(evidence: Evidence, subject: Subject) -> dict[str, float]:
    counted = evidence.table("samples")["seen"].value_counts(normalize=True)
    return {name: float(counted.get(index, 0)) for index, name in enumerate(subject.classes)}


def _details(evidence: Evidence, subject: Subject) -> dict[str, Any]:
    if not labelled(evidence):
        return named_classes(subject)
    per_class = iou_per_class(evidence, subject, "alignment")
    return named_classes(subject) | {"alignment_iou_per_class": per_class}


_ALIGNMENT: dict[str, Any] = {
    "version": 1,
    "tasks": ("sis",),
    "floor": Floor(absolute=0.01),
    "judge": "aligner",
}
_MASKS: dict[str, Any] = _ALIGNMENT | {"labels": "masks", "kind": MeanIoU, "interval": INTERVAL, "details": _details}
_CLASSES: dict[str, Any] = _ALIGNMENT | {"labels": "classes", "interval": "as accuracy"}
ALIGNMENT_MIOU = Metric(
    name="alignment_miou",
    what="mIoU of an independent segmenter on the syntheses",
    headline=True,
    rank=36,
    sample=_of_syntheses,
    **_MASKS,
)
ALIGNMENT_MIOU_REAL = Metric(
    name="alignment_miou_real",
    what="its mIoU on the real images: the ceiling",
    compared=False,
    rank=37,
    sample=lambda evidence, subject: _miou(evidence.real, subject),
    **_MASKS,
)
ALIGNMENT_ACCURACY = Metric(
    name="alignment_accuracy",
    what="share of syntheses that an independent classifier sees as their class",
    headline=True,
    rank=38,
    sample=_right,
    details=_sees,
    **_CLASSES,
)
ALIGNMENT_ACCURACY_REAL = Metric(
    name="alignment_accuracy_real",
    what="its accuracy on the real images: the ceiling",
    compared=False,
    rank=39,
    sample=lambda evidence, subject: _accuracy(evidence.real, subject),
    **_CLASSES,
)
