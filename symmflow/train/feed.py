"""What a step sees: micro-batches by number, augmented. It is a function of the recipe and the step alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InputError
from ..noise import Draws, generator
from ..pixels import IGNORE
from ..recipe import DataConfig, Recipe
from .ahead import Drawing, KeptDraws, made_ahead, packed, unpacked
from .latents import CachedLatents


class TrainingSet(Protocol):
    """What training needs of data: `batch(index)` has .ids, .images [B, C, ...] float32 and .labels int64.

    It may read files: with worker processes it is asked ahead.
    """

    def __len__(self) -> int: ...
    def batch(self, index: Sequence[int] | np.ndarray) -> Any: ...


@dataclass(frozen=True)
class MicroBatch:
    """images: [B, C, ...], or what an autoencoder says of them (`CachedLatents`); labels: class ids [B] or [B, H, W];
    draws: the noise of these samples at this step."""

    images: Tensor
    labels: Tensor
    draws: KeptDraws

    def pin_memory(self) -> MicroBatch:
        """In memory that a GPU copies from while the host goes on."""
        return self._each(Tensor.pin_memory)

    def to(self, device: torch.device | str) -> MicroBatch:
        """On a device, the noise that was drawn ahead too; the host waits for nothing that is pinned."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def _each(self, change: Callable[[Tensor], Tensor]) -> MicroBatch:
        return MicroBatch(change(self.images), change(self.labels), self.draws.each(change))

    def __reduce__(self) -> tuple[Any, ...]:
        labels = self.labels
        if labels.dtype == torch.int64 and int(labels.min()) >= 0 and int(labels.max()) < 2**8:
            labels = labels.to(torch.uint8)  # an eighth of the way through a pipe
        return _micro_batch, (packed(self.images), packed(labels), self.draws)


def _micro_batch(images: np.ndarray, labels: np.ndarray, draws: KeptDraws) -> MicroBatch:
    ids = unpacked(labels)
    return MicroBatch(unpacked(images), ids.long() if ids.dtype == torch.uint8 else ids, draws)


class Feed:
    """The micro-batches of one process, addressed by number; `accumulate` in a row make a step.

    `rank` of `world` processes: together they see a global batch, and every sample once an epoch. `mirrored`: what each
    class id becomes in a flipped image.
    """

    def __init__(
        self, data: TrainingSet, recipe: Recipe, rank: int = 0, world: int = 1, mirrored: Sequence[int] | None = None
    ) -> None:
        self.data, self.recipe, self.rank, self.world, self.mirrored = data, recipe, rank, world, mirrored
        self.accumulate = recipe.train.accumulate
        self.size = micro_batch(recipe, world)
        if not len(data):
            raise InputError("the training data are empty; give at least one sample.")
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def steps(
        self, first: int, last: int, workers: int = 0, device: torch.device | str = "cpu"
    ) -> Iterator[MicroBatch]:
        """The micro-batches of the steps from `first` until before `last`, on a device, made by `workers` processes.

        Whoever takes the first one shows by what it draws there which noise the others are to bring along.
        """
        numbers = range(first * self.accumulate, last * self.accumulate)
        pin = torch.device(device).type == "cuda"
        asked: Iterable[Drawing] = ()
        for number in numbers[:1]:
            shown = self.micro_batch(number).to(device)
            yield shown
            asked = tuple(shown.draws.made)
        for batch in made_ahead(partial(self.micro_batch, asked=asked), numbers[1:], workers, pin):
            yield batch.to(device)

    def micro_batch(self, number: int, asked: Iterable[Drawing] = ()) -> MicroBatch:
        """One by its number, with the noise that will be `asked` for."""
        start, step = (number * self.world + self.rank) * self.size, number // self.accumulate
        first = step * self.recipe.train.batch
        whole = [self._sample(position) for position in range(first, start + self.size)]  # of the step, so far
        mine, before = whole[start - first :], Counter(whole[: start - first])
        again = []
        for sample in mine:
            again.append(before[sample])
            before[sample] += 1
        batch = self.data.batch(np.array(mine))
        draws = KeptDraws(self.recipe.train.seed, list(batch.ids), f"train/{step}", again)
        draws.draw(asked)
        images, labels = torch.from_numpy(batch.images), torch.from_numpy(batch.labels)
        images, labels = flip(images, labels, self.recipe.data, draws, self.mirrored)
        images, labels = augment(images, labels, self.recipe.data, draws)
        if isinstance(self.data, CachedLatents):
            images = self.data.moments(mine, flipped(self.recipe.data, draws))
        return MicroBatch(images, labels, draws)

    def _sample(self, position: int) -> int:
        """The sample at a position of all epochs put in a row, each in an order of its own."""
        epoch, place = divmod(position, len(self.data))
        if epoch != self._epoch:
            order = generator("order", self.recipe.train.seed, epoch).permutation(len(self.data))
            self._epoch, self._order = epoch, order
        return int(self._order[place])


def flipped(config: DataConfig, draws: Draws) -> Tensor:
    """Which images are flipped, truth values [B]."""
    return draws.uniform((1,), "flip")[:, 0] < config.flip


def micro_batch(recipe: Recipe, world: int) -> int:
    """Images that each of `world` processes sees at once. Raises `InputError` where the batch does not divide."""
    train = recipe.train
    size, rest = divmod(train.batch, train.accumulate * world)
    if rest:
        raise InputError(
            f"train.batch = {train.batch} does not divide into {world} processes x {train.accumulate} micro-batches; "
            "change one."
        )
    return size


def flip(
    images: Tensor, labels: Tensor, config: DataConfig, draws: Draws, mirrored: Sequence[int] | None = None
) -> tuple[Tensor, Tensor]:
    """A share of the images flipped horizontally, their masks too; class ids become those of `mirrored`.

    images: [B, C, H, W]; labels: [B] or [B, H, W].
    """
    if not config.flip:
        return images, labels
    if images.dim() != 4:
        raise InputError("[data] flips images; remove it from a recipe for points.")
    chosen = flipped(config, draws)
    turned = labels.flip(-1) if labels.dim() == 3 else labels
    if mirrored is not None:
        table = torch.tensor(mirrored)
        turned = torch.where(turned == IGNORE, turned, table[turned.clamp(max=len(table) - 1)])
    at = chosen.reshape(-1, *[1] * (labels.dim() - 1))
    return torch.where(chosen[:, None, None, None], images.flip(-1), images), torch.where(at, turned, labels)


def augment(images: Tensor, labels: Tensor, config: DataConfig, draws: Draws) -> tuple[Tensor, Tensor]:
    """Random shift, rotation and scale, one affine map a sample: bilinear for images, nearest for masks.

    images: [B, C, H, W]; labels: [B] or [B, H, W].
    """
    if not (config.shift or config.rotate or config.scale):
        return images, labels
    if images.dim() != 4:
        raise InputError("[data] shifts, rotates and scales images; remove it from a recipe for points.")
    u = 2 * draws.uniform((4,), "augment") - 1  # [B, 4] in [-1, 1)
    angle = u[:, 0] * np.deg2rad(config.rotate)
    size = 1 + u[:, 1] * config.scale
    h, w = images.shape[-2:]
    cos, sin = angle.cos() / size, angle.sin() / size
    theta = torch.stack(
        [
            torch.stack([cos, -sin * h / w, u[:, 2] * config.shift * 2 / w], dim=1),
            torch.stack([sin * w / h, cos, u[:, 3] * config.shift * 2 / h], dim=1),
        ],
        dim=1,
    )  # [B, 2, 3]
    grid = nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
    sample = nn.functional.grid_sample
    moved = sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    if labels.dim() == 3:
        mask = sample(labels[:, None].float(), grid, mode="nearest", padding_mode="border", align_corners=False)
        labels = mask[:, 0].long()
    return moved, labels
