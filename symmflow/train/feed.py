"""What a step sees: micro-batches by number, augmented. It is a function of the recipe and the step alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ..errors import InputError
from ..noise import Draws, generator
from ..pixels import IGNORE
from ..recipe import DataConfig, Recipe


class TrainingSet(Protocol):
    """What training needs of data: `batch(index)` has .ids, .images [B, C, ...] float32 and .labels int64.

    It may read files: with worker processes it is asked ahead.
    """

    def __len__(self) -> int: ...
    def batch(self, index: Sequence[int] | np.ndarray) -> Any: ...


@dataclass(frozen=True)
class MicroBatch:
    """images: [B, C, ...]; labels: class ids [B] or [B, H, W]; draws: the noise of these samples at this step."""

    images: Tensor
    labels: Tensor
    draws: Draws


class Feed(Dataset):
    """The micro-batches of one process, addressed by number; `accumulate` in a row make a step.

    `rank` of `world` processes: together they see a global batch, and every sample once an epoch. `mirrored`: what each
    class id becomes in a flipped image.
    """

    def __init__(
        self, data: TrainingSet, recipe: Recipe, rank: int = 0, world: int = 1, mirrored: Sequence[int] | None = None
    ) -> None:
        self.data, self.recipe, self.rank, self.world, self.mirrored = data, recipe, rank, world, mirrored
        self.accumulate = recipe.train.accumulate
        self.size, rest = divmod(recipe.train.batch, self.accumulate * world)
        if rest:
            raise InputError(
                f"train.batch = {recipe.train.batch} does not divide into {world} processes x {self.accumulate} "
                "micro-batches; change one."
            )
        if not len(data):
            raise InputError("the training data are empty; give at least one sample.")
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def steps(self, first: int, last: int, workers: int = 0) -> Iterator[MicroBatch]:
        """The micro-batches of the steps from `first` until before `last`, prepared by `workers` processes."""
        numbers = range(first * self.accumulate, last * self.accumulate)
        # a loader draws a seed for its workers: not from the generator that a network's dropout draws from
        ahead = {"num_workers": workers, "collate_fn": _as_it_is, "generator": torch.Generator()}
        for made in DataLoader(_Plain(self), batch_size=None, sampler=numbers, **ahead):  # type: ignore[arg-type]
            if isinstance(made, InputError):
                raise made
            images, labels, draws = made
            yield MicroBatch(torch.from_numpy(images), torch.from_numpy(labels), draws)

    def __getitem__(self, number: int) -> MicroBatch:
        start, step = (number * self.world + self.rank) * self.size, number // self.accumulate
        first = step * self.recipe.train.batch
        whole = [self._sample(position) for position in range(first, start + self.size)]  # of the step, so far
        mine, before = whole[start - first :], Counter(whole[: start - first])
        again = []
        for sample in mine:
            again.append(before[sample])
            before[sample] += 1
        batch = self.data.batch(np.array(mine))
        draws = Draws(self.recipe.train.seed, list(batch.ids), f"train/{step}", again)
        images, labels = torch.from_numpy(batch.images), torch.from_numpy(batch.labels)
        images, labels = flip(images, labels, self.recipe.data, draws, self.mirrored)
        return MicroBatch(*augment(images, labels, self.recipe.data, draws), draws)

    def _sample(self, position: int) -> int:
        """The sample at a position of all epochs put in a row, each in an order of its own."""
        epoch, place = divmod(position, len(self.data))
        if epoch != self._epoch:
            order = generator("order", self.recipe.train.seed, epoch).permutation(len(self.data))
            self._epoch, self._order = epoch, order
        return int(self._order[place])


Plain = tuple[np.ndarray, np.ndarray, Draws]


@dataclass(frozen=True)
class _Plain(Dataset):
    """Micro-batches as a loader's worker processes hand them over: through a pipe, since shared memory, where tensors
    go, is short in many containers; and an error as itself, since a loader would raise its whole traceback instead.
    """

    feed: Feed

    def __getitem__(self, number: int) -> Plain | InputError:
        try:
            batch = self.feed[number]
        except InputError as error:
            return error
        return batch.images.numpy(), batch.labels.numpy(), batch.draws


def _as_it_is(made: Plain | InputError) -> Plain | InputError:
    return made


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
    chosen = draws.uniform((1,), "flip")[:, 0] < config.flip  # [B]
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
