"""What dies and what must then stand: sweeps, `--force`, trainings."""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from symmbench.bench import api
from symmbench.bench.records import Record, Store, Stored
from symmbench.bench.run import work
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.sweep import sweep
from symmbench.symmflow.checkpoint import open_checkpoint
from symmbench.symmflow.errors import Note


@dataclass
class Scene:
    """Something that writes below a folder `at`, and what must hold after it was cut anywhere."""

    start: Path
    """What lies there before."""
    run: Callable[[Path], None]
    stands: Callable[[Path], None]
    """Right after the cut."""
    ends: Callable[[Path], None]
    """After the same call was made again."""
    dying: ModuleType
    left: list[str] = field(default_factory=list)

    def points(self, at: Path) -> int:
        """The number of writes, renames and removals, none of them cut."""
        self._prepare(at)
        with self.dying.Dying(at) as counted:
            self.run(at)
        self.ends(at)
        self.left = files(at)
        return len(counted.points)

    def die(self, at: Path, points: Iterable[int]) -> None:
        """Die at each of the points, and go on."""
        for point in points:
            self._prepare(at)
            with self.dying.Dying(at, point) as dead, pytest.raises(self.dying.Died):
                self.run(at)
            self.check(at, dead.points[-1])

    def check(self, at: Path, where: str) -> None:
        """That everything stands after a cut, and that the same call ends as if there had been none."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Note)
                self.stands(at)
                self.run(at)
                self.ends(at)
            assert files(at) == self.left
        except BaseException as error:
            error.add_note(f"cut at: {where}")
            raise

    def _prepare(self, at: Path) -> None:
        shutil.rmtree(at, ignore_errors=True)
        shutil.copytree(self.start, at)


def files(folder: Path) -> list[str]:
    """All there is, whichever evaluation it is of."""
    return sorted(
        re.sub(r"-\d+/", "-N/", f"{path.relative_to(folder)}") for path in folder.rglob("*") if path.is_file()
    )


def figures(records: Iterable[Record]) -> dict[str, Any]:
    return {record.key: (record.metrics, record.nfe, record.details) for record in records}


def sweeping(start: Path, request: Request, dying: ModuleType) -> Scene:
    """A run of a request into a store where earlier records stand."""
    planned = plan(request)
    earlier = figures(stored.record for stored in Store(start).items())
    wanted = figures(sweep(planned, replace(request, out=start.with_name(f"{start.name}-whole"))).records)

    def run(at: Path) -> None:
        sweep(planned, replace(request, out=at))

    def stands(at: Path) -> None:
        found = {stored.record.key: stored for stored in Store(at).items()}
        assert all(found[key].finished and figures([found[key].record])[key] == earlier[key] for key in earlier)
        if earlier:
            assert api.save_baseline(at.with_name("b.zip"), at) >= len(earlier)

    def ends(at: Path) -> None:
        stands(at)
        again = sweep(planned, replace(request, out=at, force=False))
        assert again.evaluated == 0 and figures(again.records) == wanted
        for cell in again.cells:
            assert cell.evidence.ids == Stored(cell.record, cell.folder).evidence.ids and cell.finished

    return Scene(start, run, stands, ends, dying)


@pytest.fixture
def scenes(tmp_path: Path, dying: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Scene]]:
    """A scene by its name: `sweep`, `force`, `synthesis`, `training`."""
    monkeypatch.setattr(work, "EVERY", 0.0)  # every batch is kept
    asked = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1, 2], limit=300, batch_size=128, device="cpu")
    drawn = Request(methods=["fm"], tasks=["sis"], steps=[1], limit=12, batch_size=6, device="cpu")

    def scene(name: str) -> Scene:
        start = tmp_path / "start"
        start.mkdir()
        if name == "training":
            return _training(start, dying)
        request = drawn if name == "synthesis" else asked
        earlier = request if name == "force" else replace(asked, steps=[3], limit=4)
        sweep(plan(earlier), replace(earlier, out=start))
        return sweeping(start, replace(request, force=name == "force"), dying)

    yield scene


def _training(start: Path, dying: ModuleType) -> Scene:
    """A training that goes on with one that made a checkpoint, saves twice and makes another."""
    small = {
        "network.channels": 8,
        "schedule.steps": 8,
        "schedule.warmup": 1,
        "train.batch": 8,
        "train.checkpoint_every": 3,
    }

    def train(at: Path, steps: int | None = None) -> None:
        api.train(recipe="two-spirals/symmflow", overrides=small, out=at, max_steps=steps, device="cpu")

    train(start, 4)
    whole = start.with_name("whole")
    train(whole, 4)
    train(whole)
    before, after = (open_checkpoint(folder / "checkpoint").sha256 for folder in (start, whole))

    def stands(at: Path) -> None:
        assert open_checkpoint(at / "checkpoint").sha256 in (before, after)

    def ends(at: Path) -> None:
        assert open_checkpoint(at / "checkpoint").sha256 == after
        logs = [(folder / "checkpoint" / "training.csv").read_text() for folder in (at, whole)]
        assert logs[0] == logs[1]

    return Scene(start, train, stands, ends, dying)
