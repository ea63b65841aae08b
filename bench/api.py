"""The Python interface: one function behind every command, for notebooks and scripts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

from ..symmflow.errors import InputError
from ..symmflow.names import check_path
from ..symmflow.network import closed, sealed
from .records import DEFAULT_STORE, steadily
from .records.tidy import load as load
from .run import asked
from .run.asked import CHECKPOINT, DATA_ROOT, Asked, Device, Trust
from .run.data import get as get
from .run.data import get_for as get_for
from .run.data import show as show
from .run.data import verify as verify
from .run.dry_run import dry_run as dry_run
from .run.keywords import RequestFields, TrainingFields, WantedFields, named, path_of, request_of, takes_fields, text_of
from .run.portable import export_checkpoint as export_checkpoint
from .run.portable import import_checkpoint as import_checkpoint
from .run.prepare import init as init
from .run.prepare import prepare as prepare
from .run.request import Request
from .run.roundtrip import roundtrip as roundtrip
from .run.training import Training
from .run.wanted import Wanted

if TYPE_CHECKING:
    from ..symmflow.checkpoint import Checkpoint as TrainedCheckpoint
    from ..symmflow.train import Progress as TrainingProgress
    from .checks.conformance import Check
    from .checks.coverage import Row as Coverage
    from .checks.doctor import Examination
    from .compare.budget import Budget
    from .compare.comparison import Comparison
    from .compare.document import Document
    from .compare.records import Records
    from .compare.report import Report
    from .compare.shown import Shown
    from .run.export import Exported
    from .run.reproduce import Reproduced
    from .run.rescore import Rescoring
    from .run.sample import Picture
    from .run.sweep import Progress

Results = Path | str
Checkpoint = Annotated[str | Path | None, CHECKPOINT]
DataRoot = Annotated[Path | str | None, DATA_ROOT]


@takes_fields(Request)
def run(
    request: Request | None = None, *, progress: Progress | None = None, **keywords: Unpack[RequestFields]
) -> Records:
    """Evaluate; only what the store lacks or other code made. Returns the records in the order of the request.

    Called by every process of a launch (torchrun, accelerate), they share the work: the first one has all records,
    another one what is finished by then.
    """
    from .compare.records import Records
    from .run.plan import plan
    from .run.share import Share
    from .run.sweep import sweep

    wanted = request_of(Request, request, keywords)
    share = Share.of(wanted.part, wanted.force, os.environ)
    with closed():
        return Records(**vars(sweep(plan(wanted), wanted, progress, share)))


@takes_fields(Training)
def train(
    request: Training | None = None,
    *,
    progress: Callable[[TrainingProgress], None] | None = None,
    encoding: Callable[[int, int], None] | None = None,
    **keywords: Unpack[TrainingFields],
) -> TrainedCheckpoint:
    """Train a recipe into a folder, going on where an earlier call stopped.

    `encoding` is told of images whose latents are cached, and of how many there are to be.
    """
    from .run.training import run_training

    return run_training(request_of(Training, request, keywords), progress, encoding)


@takes_fields(Request)
def sample(request: Request | None = None, *, count: int = 8, **keywords: Unpack[RequestFields]) -> Picture:
    """A picture of what a method does: input, output at each step count, what is real; a row a sample."""
    from .run.sample import sample_grid

    if request is None:
        keywords = {"tasks": "sis", **keywords}
    with closed():
        return sample_grid(request_of(Request, request, keywords), count)


@takes_fields(Request)
def export(
    request: Request | None = None,
    *,
    folder: Path | str = "outputs",
    progress: Progress | None = None,
    **keywords: Unpack[RequestFields],
) -> Exported:
    """A method's outputs of a whole split as files: PNG of masks or syntheses, CSV of class scores."""
    from .run.export import export as write

    with closed():
        return write(request_of(Request, request, keywords), Path(folder), progress)


@named
@steadily
@takes_fields(Wanted)
def compare(
    *results: Results,
    mixed: asked.Mixed = False,
    by_seed: asked.BySeed = False,
    sort: asked.Sort = None,
    columns: asked.Columns = (),
    baseline: asked.Baseline = None,
    pareto: asked.Pareto = None,
    within: asked.Within = None,
    per_class: Annotated[bool, Asked("IoU, F1 and accuracy of every class.")] = False,
    spread: asked.Spread = None,
    published: Annotated[bool, Asked("The papers' own figures beside ours, with their caveats.")] = False,
    itself: asked.Itself = False,
    floors: asked.Floors = None,
    **wanted: Unpack[WantedFields],
) -> Comparison:
    """Tables of what was measured, one a protocol, and whatever else is asked of them."""
    from .compare.comparison import compare as side_by_side

    how: Any = {"mixed": mixed, "by_seed": by_seed, "sort": sort, "baseline": baseline, "pareto": pareto}
    how |= {"within": within, "per_class": per_class, "spread": spread, "published": published, "itself": itself}
    how |= {"columns": (columns,) if isinstance(columns, str) else columns, "floors": path_of(floors)}
    return side_by_side(_folders(results), request_of(Wanted, None, wanted).filter, **how)


@named
@steadily
def record(key: str, *results: Results) -> Shown:
    """One record whole: of a folder, or whose key or checkpoint's fingerprint begins so."""
    from .compare.shown import show as shown

    return shown(key, _folders(results))


@named
@steadily
@takes_fields(Wanted)
def report(
    *results: Results,
    form: Annotated[str, Asked("html, md, latex, csv, parquet, json. Default: by --out's ending.", "--format")] = "md",
    by_seed: asked.BySeed = False,
    sort: asked.Sort = None,
    floors: asked.Floors = None,
    intervals: Annotated[bool, Asked("In LaTeX: 95 % intervals beside the figures.")] = False,
    fragment: Annotated[bool, Asked(r"LaTeX: the tables alone, for \input.")] = False,
    paper: asked.Paper = None,
    data_root: DataRoot = None,
    **wanted: Unpack[WantedFields],
) -> Document:
    """What was measured, as one file: tables for a page or a paper, or for a script a row a cell and metric."""
    from .compare.document import document, form_of

    how: Any = {"by_seed": by_seed, "sort": sort, "intervals": intervals, "fragment": fragment, "paper": paper}
    how |= {"floors": path_of(floors), "data_root": path_of(data_root)}
    with sealed():  # records may name a data set of a hub
        return document(_folders(results), request_of(Wanted, None, wanted).filter, form_of(form), **how)


@named
@steadily
def gap(
    a: Results,
    b: Results,
    *results: Results,
    metric: Annotated[str | None, Asked("Of which figure. Default: the first of both.", of="metric")] = None,
) -> Budget:
    """Which part of the gap between the figures of two cells (or of one and `published`) comes from what."""
    from .compare.budget.ends import gap as told_apart

    return told_apart(str(a), str(b), _folders(results), metric)


@named
@steadily
def gate(baseline: Results, *results: Results, floors: Path | str | None = None, strict: bool = False) -> Report:
    """Compare results with a baseline file (or a folder of records), cell by cell; `exit_code` says how it came out.

    `strict`: what is undecided fails too.
    """
    from .compare import baseline as baselines

    return baselines.gated(Path(baseline), _folders(results), path_of(floors), strict)


@named
@steadily
def save_baseline(path: Results, *results: Results) -> int:
    """Write the finished cells of some stores, with what a comparison needs, to one file; the number of cells."""
    from .compare import baseline as baselines

    return baselines.save(_folders(results), Path(path))


@named
def rescore(
    *results: Results, write: bool = False, protocol: str | None = None, out: Results | None = None
) -> Rescoring:
    """Compute every metric again from the evidence, without a network, and say what changed.

    `write` keeps the new figures in their records. With `protocol`, under other rules, as far as the evidence allows;
    these records go to the folder `out`, by default results-NAME.
    """
    from .run.rescore import rescore as again

    return again(_folders(results), write=write, protocol=protocol, out=path_of(out))


@named
def reproduce(
    record: Results,
    *,
    checkpoint: Checkpoint = None,
    data_root: DataRoot = None,
    device: Device = "auto",
    batch_size: Annotated[int | None, Asked("Images a batch. Default: as in the record.")] = None,
    judge: asked.JudgedBy = None,
    judge_checkpoint: Annotated[str | Path | None, Asked("Its weights, of mmseg:CONFIG.")] = None,
    trust: Trust = False,
    progress: Progress | None = None,
) -> Reproduced:
    """Evaluate the cell of a record (its folder, or its record.json) again."""
    from .run.reproduce import reproduce as again

    how: Any = {"device": device, "batch_size": batch_size, "judge": judge, "trust": trust, "progress": progress}
    how |= {"data_root": path_of(data_root), "judge_checkpoint": text_of(judge_checkpoint)}
    with closed():
        return again(Path(record), checkpoint=text_of(checkpoint), **how)


@named
def check(
    method: str,
    *,
    dataset: asked.CheckedOn = None,
    checkpoint: Checkpoint = None,
    data_root: DataRoot = None,
    device: Annotated[str, Asked("cpu compares with CUDA where there is one.")] = "cpu",
    trust: Trust = False,
) -> dict[str, list[Check]]:
    """Does a method keep the rules of the interface? By data set."""
    from .checks.conformance import check_method, suited

    given, root = text_of(checkpoint), path_of(data_root)
    where = [dataset] if dataset else suited(method, given, trust)
    with closed():
        return {name: check_method(method, name, given, root, device, trust) for name in where}


def doctor() -> Examination:
    """Ask this installation questions whose answers are known."""
    from .checks.doctor import Examination, examine, machine

    return Examination(machine(), list(examine()))


@named
def coverage(*, trials: int = 1000, quick: bool = False) -> Iterator[Coverage]:
    """Simulate how often the intervals cover, and comparisons cry wolf. `quick`: one small design a kind."""
    from .checks.coverage import simulate
    from .checks.designs import designs

    if not 2 <= trials <= 10**6:
        raise InputError(f"--trials must lie in 2-1,000,000, not {trials}.")
    return simulate(designs(quick), trials)


@named
@takes_fields(Wanted)
def inventory(
    kind: str, out: Results = "results", *, status: Sequence[str] | str = (), **wanted: Unpack[WantedFields]
) -> list[dict[str, Any]]:
    """What there is, by kind: methods, datasets, ..., runs; `bench list` says which kinds."""
    from .run.inventory import inventory

    return inventory(kind, Path(out), request_of(Wanted, None, wanted).filter, status)


def _folders(results: Sequence[Results]) -> list[Path]:
    return [check_path(Path(r)) for r in results] or [DEFAULT_STORE]
