"""What a method makes of every sample of a split, as files that other tools read, and that `outputs:` reads again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...symmflow.errors import InputError
from ...symmflow.files import write_atomically
from ..records import Cell
from ..tasks import MethodError
from .plan import plan
from .request import Request
from .sweep import Progress

if TYPE_CHECKING:
    import pandas as pd

    from .evaluate import Evaluator

ABOUT = "about.json"
"""Says which cell the files are of."""


@dataclass(frozen=True)
class Exported:
    """Where the outputs lie: a folder a step count, each `outputs:FOLDER` for `bench run`, and how many samples."""

    folders: tuple[Path, ...]
    samples: int


def export(request: Request, folder: Path, progress: Progress | None = None) -> Exported:
    """Write the outputs of one method, task, data set and seed into `folder`; of several step counts, a folder each.

    Masks are PNG of class ids, syntheses PNG (`ID_0.png` where a label has several), class scores one CSV. A folder
    that holds anything but outputs of the same cell is refused.
    """
    from .evaluate import Evaluator

    planned = plan(request)
    planned.require_all()
    if len(planned.jobs) > 1:
        raise InputError("outputs are of one method, task, data set and seed; name one of each.")
    (job,) = planned.jobs
    several = len(job.cells) > 1
    folders = {cell.steps: folder / f"steps-{cell.steps}" if several else folder for cell in job.cells}
    for cell in job.cells:
        _begin(folders[cell.steps], cell)
    evaluator = Evaluator.open(job, request.device, request.batch_size, request.workers)
    made = _Written(evaluator, folders)
    progress = progress or Progress()
    progress.job(job.title, job.protocol.n * len(folders), 0)
    try:
        for number in range(job.shards):
            made.shard(number, progress.advance)
    except MethodError as error:
        raise InputError(f"{error}.") from error
    made.finish()
    return Exported(tuple(folders.values()), job.protocol.n)


def _begin(folder: Path, cell: Cell) -> None:
    """A new folder, or one of the same cell."""
    about = folder / ABOUT
    said: dict[str, Any] = {"key": cell.key, **cell.model_dump(mode="json")}
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        try:
            same = json.loads(about.read_text())["key"] == cell.key
        except (OSError, ValueError, KeyError, TypeError):
            same = False
        if not same:
            raise InputError(f"{folder} holds something else already; name a new folder with --out.")
    write_atomically(about, json.dumps(said, indent=2) + "\n")


class _Written:
    """Files that are whole as they come, and tables that are written at the end."""

    def __init__(self, evaluator: Evaluator, folders: dict[int | None, Path]) -> None:
        self.evaluator, self.folders = evaluator, folders
        self.tables: dict[Path, list[pd.DataFrame]] = {}

    def shard(self, number: int, advance: Callable[[int], None]) -> None:
        job = self.evaluator.job
        for made in self.evaluator.made(number, tuple(self.folders)):
            ids = made.batch.ids[: len(made.index)]
            for steps, folder in self.folders.items():
                for name, content in job.task.exported(job.card, ids, made.outputs[steps]).items():
                    if isinstance(content, bytes):
                        write_atomically(folder / name, content)
                    else:
                        self.tables.setdefault(folder / name, []).append(content)
            advance(len(made.index) * len(self.folders))

    def finish(self) -> None:
        import pandas as pd

        for path, parts in self.tables.items():
            write_atomically(path, pd.concat(parts, ignore_index=True).to_csv(index=False))
