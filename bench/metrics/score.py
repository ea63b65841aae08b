"""From evidence to figures: no network, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...symmflow.errors import InputError
from ...symmflow.guests import Guest
from ..protocols import Protocol
from ..records import Figure, Missing
from .metric import Metric, Subject
from .sample import Groups

if TYPE_CHECKING:
    from ..records import Evidence


@dataclass
class Scores:
    """What the metrics came to."""

    figures: dict[str, Figure] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    """Metrics that could not be measured, and why."""
    details: dict[str, Any] = field(default_factory=dict)


def subject_of(protocol: Protocol, missing: Mapping[str, Missing]) -> Subject:
    """What is scored under a protocol. `missing`: by role, why there is no judge."""
    judges = {
        role: identity.partition(":")[0] if identity else missing.get(role, Missing("not measured"))
        for role, identity in protocol.judges.items()
    }
    return Subject(protocol.classes, protocol.masks, protocol.ignored, judges)


def score(metrics: Sequence[Metric], evidence: Evidence, subject: Subject) -> Scores:
    """The figures of a cell from its evidence. A metric that breaks is absent, with the reason: the others are not.

    Raises `InputError` for evidence that cannot be read.
    """
    made = Scores()
    for metric in metrics:
        name = metric.named(subject)
        try:
            with Guest():
                _add(made, metric, name, evidence, subject)
        except InputError:
            raise
        except Exception as error:  # whatever another package's metric raises
            made.figures.pop(name, None)
            made.absent[name] = str(Missing.broken(error))
    return made


def _add(made: Scores, metric: Metric, name: str, evidence: Evidence, subject: Subject) -> None:
    found = metric.of(evidence, subject)
    if isinstance(found, Missing):
        made.absent[name] = str(found)
    else:
        made.figures[name] = metric.figure(found)
        if isinstance(found, Groups):  # a distance of sets is dear: what comparisons need of it is kept
            kept = {"without": found.without.tolist(), "second": found.second.tolist()}
            made.details.setdefault("jackknife", {})[name] = kept
    made.details |= metric.more(evidence, subject)
