"""The metrics by name, through the entry-point group `symmbench.metrics`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...symmflow.errors import InputError
from ...symmflow.names import one_line
from ...symmflow.plugins import Plugins
from ..protocols import Rules, read_protocol
from ..records import Missing, Replaced, Stored
from ..records.sizes import header
from ..statistics import UNGROUPED
from .metric import Metric, Subject, family
from .sample import Groups, Sample, is_same

GROUP = "symmbench.metrics"
_METRICS: Plugins[Metric] = Plugins("metric", GROUP, Metric)


def names() -> list[str]:
    return _METRICS.names()


def metric(name: str) -> Metric:
    """A registered metric, also by the name of its figures: `fid[digits-cnn]`."""
    return _METRICS.get(family(name))


def known(name: str) -> Metric | None:
    """The metric of a figure; None where it is not installed here, or broken."""
    try:
        return metric(name)
    except InputError:
        return None


def of(task: str, rules: Rules, subject: Subject) -> list[Metric]:
    """The metrics of a task that rules ask for and that apply to such data, in the order of tables.

    Raises `InputError` where the rules name one that is none, or none of this task.
    """
    asked = names() if rules.metrics is None else rules.metrics.get(task, ())
    found = []
    for name in asked:
        try:
            one = metric(name)
        except InputError:
            if rules.metrics is None:  # a package of someone else's that is broken; asked for by name it is refused
                continue
            raise
        if task not in one.tasks and rules.metrics is not None:
            raise InputError(f"protocol {rules.name}: {name} is no metric of {task}, but of {', '.join(one.tasks)}.")
        if task in one.tasks and one.applies(subject):
            found.append(one)
    return sorted(found, key=lambda m: (m.rank, m.name))


def samples_of(name: str, cells: Sequence[Stored]) -> list[Sample] | Missing:
    """A metric of every cell, all on the same images."""
    found: list[Sample] = []
    for cell in cells:
        one = sample_of(name, cell)
        if isinstance(one, Missing):
            return one
        if found and found[0].ids != one.ids:
            return Missing("the evidence is not of the same images")
        found.append(one)
    return found


def sample_of(name: str, cell: Stored) -> Sample | Missing:
    """A metric of a cell, made once: from what its record or a baseline keeps of it, else from the evidence."""
    return cell.evidence.once(("sample", name), lambda: _sample_of(name, cell))


def _sample_of(name: str, cell: Stored) -> Sample | Missing:
    one = known(name)
    if one is None:
        return Missing(f"the metric {family(name)} is not installed here")
    record = cell.record
    kept = cell.folder / "samples" / f"{name}.parquet"
    if kept.is_file():
        return _kept(one, kept)
    details = record.details
    if name in record.metrics and (jackknife := details.get("jackknife", {}).get(name)) is not None:
        if not jackknife["without"]:
            return Missing(UNGROUPED)
        return Groups.kept(record.metrics[name].value, **jackknife)
    try:
        cell.evidence.once("whole", cell.check)
        return one.of(cell.evidence, _subject(cell))
    except Replaced:
        raise
    except InputError as error:  # evidence that was pruned or is damaged: other metrics and rows can still be told
        return Missing(str(error).rstrip("."))
    except Exception as error:  # whatever another package's metric raises
        return Missing.broken(error)


def contradicted(name: str, cell: Stored) -> str:
    """How the evidence of a cell belies its record's figure: one of the two is not of this cell. Empty: it does not."""
    found, figure = sample_of(name, cell), cell.record.metrics.get(name)
    if isinstance(found, Missing) or figure is None or is_same(found.value, figure.value):
        return ""
    return (
        f"the record says {figure.value:.6g}, and its evidence gives {found.value:.6g}; remove {cell.folder} and "
        "run the cell again"
    )


def _kept(metric: Metric, path: Path) -> Sample:
    """The sample that a baseline keeps. Raises `InputError` for one that is damaged, or too large to be one."""
    import pandas as pd

    try:
        header(path)
        return metric.kind.read(pd.read_parquet(path))
    except Exception as error:  # of Parquet, of pandas, of a table that is another one
        raise InputError(
            f"{path} is no sample of {metric.name} ({one_line(str(error), 200)}); `bench baseline save` makes one."
        ) from None


def _subject(cell: Stored) -> Subject:
    """What the record says of its classes, else its protocol."""
    if classes := cell.record.details.get("classes"):
        return Subject(tuple(classes), masks=True, ignored=tuple(cell.record.details.get("ignored_classes", ())))
    if protocol := read_protocol(cell.record.protocol["hash"], [cell.store.root]):
        return Subject(protocol.classes, protocol.masks, protocol.ignored)
    return Subject((), masks=False)
