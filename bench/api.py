"""The Python interface: one function behind every command, for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

from ..symmflow.errors import InputError
from .run.data import show as show
from .run.data import verify as verify
from .run.keywords import RequestFields, TrainingFields, named, path_of, request_of, several, takes_fields, text_of
from .run.portable import export_checkpoint as export_checkpoint
from .run.portable import import_checkpoint as import_checkpoint
from .run.prepare import init as init
from .run.prepare import prepare as prepare
from .run.request import CHECKPOINT, DATA_ROOT, Asked, Device, Names, Request, Trust
from .run.roundtrip import roundtrip as roundtrip
from .run.training import Training

if TYPE_CHECKING:
    import pandas as pd

    from ..symmflow.checkpoint import Checkpoint as TrainedCheckpoint
    from ..symmflow.train import Progress as TrainingProgress
    from .checks.conformance import Check
    from .checks.coverage import Row as Coverage
    from .checks.doctor import Examination
    from .compare.comparison import Comparison
    from .compare.records import Records
    from .compare.report import Report
    from .run.needs import Need
    from .run.reproduce import Reproduced
    from .run.rescore import Rescoring
    from .run.sample import Picture
    from .run.sweep import Progress

Results = Path | str
Fetching = Callable[[str, int, int], None]
Checkpoint = Annotated[str | Path | None, CHECKPOINT]
DataRoot = Annotated[Path | str | None, DATA_ROOT]


@takes_fields(Request)
def run(
    request: Request | None = None, *, progress: Progress | None = None, **keywords: Unpack[RequestFields]
) -> Records:
    """Evaluate; only what the store lacks or other code made. Returns the records in the order of the request."""
    from .compare.records import Records
    from .run.plan import plan
    from .run.sweep import sweep

    wanted = request_of(Request, request, keywords)
    return Records(**vars(sweep(plan(wanted), wanted, progress)))


@takes_fields(Training)
def train(
    request: Training | None = None,
    *,
    progress: Callable[[TrainingProgress], None] | None = None,
    **keywords: Unpack[TrainingFields],
) -> TrainedCheckpoint:
    """Train a recipe into a folder, going on where an earlier call stopped."""
    from .run.training import run_training

    return run_training(request_of(Training, request, keywords), progress)


@takes_fields(Request)
def sample(request: Request | None = None, *, count: int = 8, **keywords: Unpack[RequestFields]) -> Picture:
    """A picture of what a method does: input, output at each step count, what is real; a row a sample."""
    from .run.sample import sample_grid

    if count < 1:
        raise InputError(f"--count must be at least 1, not {count}.")
    if request is None:
        keywords = {"tasks": "sis", "steps": (1, 5, 25), **keywords}
    return sample_grid(request_of(Request, request, keywords), count)


@named
def compare(
    *results: Results,
    tasks: Annotated[Names | str, Asked("Only these tasks.", "--task", "-t", of="task")] = (),
    datasets: Annotated[Names | str, Asked("Only these data sets.", "--dataset", "-d", of="dataset")] = (),
    methods: Annotated[Names | str, Asked("Only these methods.", "--method", "-m", of="method")] = (),
    steps: Annotated[Sequence[int] | int, Asked("Only these step counts.", "--steps", least=1)] = (),
    protocol: Annotated[
        str, Asked("Only this protocol: its name or file, or the beginning of its hash.", of="protocol")
    ] = "",
    mixed: Annotated[
        bool, Asked("Put rows of different protocols into one table, stamped.", "--allow-protocol-diff")
    ] = False,
    by_seed: Annotated[bool, Asked("A row a seed, instead of the mean over seeds.")] = False,
    sort: Annotated[str | None, Asked("Order rows by a metric, nfe or seconds; the best first.", of="metric")] = None,
    baseline: Annotated[
        str | None,
        Asked("Judge every row against this method at equal steps, or against one row: symmflow@1; symmflow@5,heun."),
    ] = None,
    pareto: Annotated[
        str | None, Asked("The front of this metric against NFE and seconds, and the cheapest row good enough.")
    ] = None,
    within: Annotated[
        float | None,
        Asked("How much worse than the best is good enough for --pareto. Default: the metric's floor."),
    ] = None,
    spread: Annotated[
        str | None,
        Asked("Split the chance in this metric by source: test images, generation seeds, training runs."),
    ] = None,
    published: Annotated[bool, Asked("The papers' own figures beside ours, with their caveats.")] = False,
    itself: Annotated[
        bool, Asked("Compare every row with itself: how often is a difference found that is none?", "--self")
    ] = False,
    floors: Annotated[Path | str | None, Asked("TOML file of the smallest differences that matter.")] = None,
) -> Comparison:
    """Tables of what was measured, one a protocol, and whatever else is asked of them."""
    from .compare.choice import Filter
    from .compare.comparison import compare as side_by_side
    from .protocols import rules
    from .tasks import task

    wanted = Filter(
        tasks=[task(name).name for name in several(tasks)],
        datasets=several(datasets),
        methods=several(methods),
        steps=several(steps),
        protocol=rules(protocol).name if protocol.endswith(".toml") else protocol,
    )
    return side_by_side(
        _folders(results),
        wanted,
        mixed=mixed,
        by_seed=by_seed,
        sort=sort,
        baseline=baseline,
        pareto=pareto,
        within=within,
        spread=spread,
        published=published,
        itself=itself,
        floors=path_of(floors),
    )


@named
def gate(baseline: Results, *results: Results, floors: Path | str | None = None, strict: bool = False) -> Report:
    """Compare results with a baseline file (or a folder of records), cell by cell; `exit_code` says how it came out.

    `strict`: what is undecided fails too.
    """
    from .compare import baseline as baselines

    return baselines.gated(Path(baseline), _folders(results), path_of(floors), strict)


@named
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
    trust: Trust = False,
    progress: Progress | None = None,
) -> Reproduced:
    """Evaluate the cell of a record (its folder, or its record.json) again."""
    from .run.reproduce import reproduce as again

    return again(
        Path(record),
        checkpoint=text_of(checkpoint),
        data_root=path_of(data_root),
        device=device,
        batch_size=batch_size,
        trust=trust,
        progress=progress,
    )


@named
def check(
    method: str,
    *,
    dataset: Annotated[
        str | None, Asked("Data set. Default: all for which it has a bundled checkpoint.", "--dataset", "-d")
    ] = None,
    checkpoint: Checkpoint = None,
    data_root: DataRoot = None,
    device: Annotated[str, Asked("cpu compares with CUDA where there is one.")] = "cpu",
    trust: Trust = False,
) -> dict[str, list[Check]]:
    """Does a method keep the rules of the interface? By data set."""
    from .checks.conformance import check_method, suited

    given, root = text_of(checkpoint), path_of(data_root)
    where = [dataset] if dataset else suited(method, given, trust)
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

    return simulate(designs(quick), trials)


@named
def inventory(kind: str, out: Results = "results") -> list[dict[str, Any]]:
    """What there is: methods, datasets, recipes, metrics, judges, protocols, support, hub; runs in a store."""
    from .run.inventory import inventory

    return inventory(kind, Path(out))


@named
def get(name: str, *, data_root: DataRoot = None, progress: Fetching | None = None) -> Path | None:
    """Fetch a data set or a judge's weights, verified; where they lie, None for a data set that code makes.

    A transfer that breaks off is taken up again by the next call. `data_root`: where to put the files of a data set,
    by default the cache. `progress` is told of a file, its bytes that are here and its bytes in all (0: unknown).
    """
    from .run.needs import get as fetched

    return fetched(name, path_of(data_root), progress)


@takes_fields(Request)
def get_for(
    request: Request | None = None, *, progress: Fetching | None = None, **keywords: Unpack[RequestFields]
) -> Iterator[Need]:
    """Fetch all that `run` needs for a request: data sets, judges' weights, checkpoints of a hub; see `get`."""
    from .run.needs import get_for as all_fetched

    return all_fetched(request_of(Request, request, keywords), progress)


def load(*results: Results) -> pd.DataFrame:
    """All figures of some stores as one tidy table: a row a cell and metric (an absent metric has no value).

    Columns: key, status, method, recipe, checkpoint, task, dataset, split, n, steps, solver, precision, seed, protocol
    (its hash), rules, nfe, nfe_executed, images_per_second, device, threads, batch_size (speeds of
    unequal ones say nothing of each other), metric, value, low, high, unit, better, covers, absent (the reason),
    created.
    """
    import pandas as pd

    from .records import read_stored
    from .records.tidy import rows_of

    return pd.DataFrame([row for stored in read_stored(_folders(results)) for row in rows_of(stored.record)])


def _folders(results: Sequence[Results]) -> list[Path]:
    return [Path(r) for r in results] or [Path("results")]
