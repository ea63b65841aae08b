"""Pictures of a few samples, kept beside the evidence for whoever wants to see what was measured."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ...datasets import Batch, Card
from ...symmflow.errors import note
from ...symmflow.guests import Guest, said
from ...symmflow.memory import is_out_of_memory
from ...symmflow.pixels import to_uint8
from ..records import Kept, lot
from ..tasks import Task

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from ...methods import Method

TRACED = 4
"""Of the kept samples, those that are kept on their way, too."""
STATES = 8
"""Of a way, after its start: as many as it has steps, at most these, evenly."""
LONGEST, EXACT = 256, 64
"""The longer side of a picture, at most; of one that is kept to the bit."""
States = Sequence[tuple[float, np.ndarray]]
"""(t, what it shows of the traced samples, uint8 [n, C, H, W]) on the way."""


@dataclass
class Watch:
    """A `Trace` of a few rows of a batch: some of the states on the way of one result."""

    rows: tuple[int, ...]
    wanted: frozenset[int] = frozenset()
    last: int = -1
    calls: int = 0
    seen: list[tuple[float, Tensor]] = field(default_factory=list)

    def begin(self, steps: int | None) -> None:
        """A result in so many steps comes; None: in nobody knows how many, which is not watched."""
        self.last, self.calls, self.seen = steps or -1, 0, []
        count = min(steps or 0, STATES)
        self.wanted = frozenset(round(i * self.last / count) for i in range(count + 1)) if count else frozenset()

    def __call__(self, t: float, state: Tensor) -> None:
        if self.calls in self.wanted:
            self.seen.append((t, state[list(self.rows)].detach().clone()))
        self.calls += 1

    def states(self) -> list[tuple[float, Tensor]]:
        """Of a result that came; none where something else was traced than the start and a state after each step."""
        return self.seen if self.calls == self.last + 1 else []


@dataclass(frozen=True)
class Keeper:
    """Which samples are kept: the same ones whatever the method, the task, the steps, and whoever makes them."""

    task: Task
    card: Card
    ids: frozenset[str] = frozenset()
    traced: frozenset[str] = frozenset()

    @classmethod
    def of(cls, task: Task, card: Card, ids: Sequence[str], count: int) -> Self:
        """The first of the ids in the order of `lot`."""
        chosen = heapq.nsmallest(count, ids, key=lot) if task.has_pictures(card) else []
        return cls(task, card, frozenset(chosen), frozenset(chosen[:TRACED] if task.pictured else ()))

    def watch(self, ids: Sequence[str]) -> Watch | None:
        """Who watches the traced samples of a padded batch; None where it has none."""
        first = {own: row for row, own in reversed(list(enumerate(ids))) if own in self.traced}
        return Watch(tuple(sorted(first.values()))) if first else None

    def shown(self, method: Method, watch: Watch) -> States:
        """What a method says that its traced states show; nothing of one that does not say, or breaks saying it."""
        import torch

        found = []
        for t, state in watch.states():
            try:
                with Guest(), torch.inference_mode():
                    pictures = method.picture(state, image=self.task.draws)
                    if pictures is None:
                        return ()
                    array = to_uint8(pictures.detach().float().nan_to_num().cpu().numpy())
            except Exception as error:  # whatever a method raises; no figure depends on it
                if is_out_of_memory(error):
                    raise
                note(f"{method.name} shows no state on its way: it breaks with {said(error)}")
                return ()
            found.append((t, array))
        return found

    def columns(self, batch: Batch, real: int, output: Any, states: States, *, paired: bool) -> dict[str, Any]:
        """Pictures of the kept ones among the first `real` samples of a batch, as a table of evidence.

        Where labels and outputs are not `paired`, of the outputs alone.
        """
        pictures: list[Kept] = []
        traced = 0
        for row, own in enumerate(batch.ids[:real]):
            if own not in self.ids:
                continue
            for what, pixels in self.task.pictures(self.card, batch, row, output).items():
                if paired or what == "output":
                    pictures.append(_kept(own, what, pixels))
            if own in self.traced:
                pictures += [_kept(own, "trace", state[traced], t) for t, state in states]
                traced += 1
        return {
            "id": _objects([picture.id for picture in pictures]),
            "what": _objects([picture.what for picture in pictures]),
            "draw": np.array([picture.draw for picture in pictures], dtype=np.int32),
            "time": np.array([picture.time for picture in pictures], dtype=np.float64),
            "webp": _objects([picture.webp for picture in pictures]),
        }


def webp(pixels: np.ndarray, *, exact: bool = True) -> bytes:
    """A mask of class ids 0-255 [H, W], or an image uint8 [C, H, W], as a file; `exact`: small images to the bit."""
    from PIL import Image

    mask = pixels.ndim == 2
    grey = mask or len(pixels) == 1
    picture = Image.fromarray(
        pixels.reshape(pixels.shape[-2:]).astype(np.uint8) if grey else np.ascontiguousarray(pixels.transpose(1, 2, 0))
    )
    small = _shrunk(picture, Image.Resampling.NEAREST if mask else Image.Resampling.LANCZOS)
    buffer, exact = BytesIO(), mask or (exact and max(small.size) <= EXACT)
    small.convert("RGB").save(buffer, "WEBP", lossless=exact, quality=100 if exact else 90, method=4)
    return buffer.getvalue()


def _shrunk(picture: Image.Image, how: Image.Resampling) -> Image.Image:
    scale = LONGEST / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture if scale >= 1 else picture.resize((width, height), how)


def _kept(own: str, what: str, pixels: np.ndarray, time: float | None = None) -> Kept:
    return Kept(own, what, 0, time, webp(pixels, exact=time is None))


def _objects(values: Sequence[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
