"""What a task is: what is called on what, which evidence it leaves, how it is shown and checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...datasets import Batch, Card
from ...methods import Method, Sampling, Support
from ...symmflow.errors import InputError
from ...symmflow.pixels import IGNORE, to_uint8
from ...symmflow.recipe import Recipe
from ..metrics.confusion import sparse_confusion

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image
    from torch import Tensor

    from ..protocols import Rules

Array = np.ndarray
Tables = dict[str, dict[str, Any]]
"""Evidence of some samples: tables by name, as columns."""
Tiles = list["Image.Image"]
Judges = Mapping[str, Callable[..., Array]]
"""The loaded judges by role: functions on uint8 images [B, C, H, W]."""


@dataclass(frozen=True)
class Inputs:
    """A batch on the device. images: [B, C, H, W] in [-1, 1] (points: [B, D]); labels: class ids [B] or [B, H, W]."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Look:
    """With what eyes outputs are looked at: the card's classes, the judges, the shape that they always see."""

    card: Card
    judges: Judges
    size: int
    """Images a batch: fewer are padded, so that kernels round alike."""
    rounding: str = "round"
    """Of synthesized images to 8 bits."""
    paired: bool = True
    """False: syntheses are of no certain labels, and only whole sets can be looked at."""

    def judge(self, role: str) -> Callable[..., Array] | None:
        """The judge of a role, made to see `size` images whatever it is asked of; None where there is none."""
        if (judge := self.judges.get(role)) is None:
            return None

        def seen(*images: Array) -> Array:
            return judge(*(pad_to(batch, self.size) for batch in images))[: len(images[0])]

        return seen


class Task(ABC):
    """One of the tasks. Stateless: there is one instance of each."""

    name: ClassVar[str]
    """The papers' abbreviation."""
    verb: ClassVar[str]
    """What the command line also takes."""
    dataset: ClassVar[str]
    """Where it is done when nobody says where."""
    by_default: ClassVar[bool] = True
    """Done when nobody says what."""
    draws: ClassVar[bool] = False
    """Makes images of labels; else labels of images."""
    pictured: ClassVar[bool] = True
    """What it shows of an output are masks or images, not classes."""
    several: ClassVar[bool] = False
    """Takes several samples a label."""

    def parts(self, card: Card) -> tuple[str, ...]:
        """The tasks of methods that it is made of."""
        return (self.name,)

    def offered(self, card: Card) -> bool:
        """Whether a data set is meant for it."""
        return set(self.parts(card)) <= set(card.tasks)

    def supports(self, kind: type[Method], steps: int | None, card: Card, recipe: Recipe | None = None) -> Support:
        """Whether a method can do it; `recipe`: that of its checkpoint, where one is chosen."""
        found = [kind.supports(part, steps, card, recipe) for part in self.parts(card)]
        return next((support for support in found if not support), found[0])

    def solvers(self, kind: type[Method], card: Card) -> tuple[str, ...]:
        """Those that all parts have, as far as a part solves anything."""
        first, *rest = [s for part in self.parts(card) if (s := kind.solvers(part))] or [()]
        return tuple(s for s in first if all(s in others for others in rest))

    def inference_fields(self, kind: type[Method], card: Card) -> tuple[str, ...]:
        """The inference options of a method that it depends on."""
        return tuple(dict.fromkeys(f for part in self.parts(card) for f in kind.inference_fields(part)))

    def policy(self, card: Card, rules: Rules, samples: int) -> dict[str, Any]:
        """What rules come to for it on such data."""
        chosen: dict[str, Any] = {"preprocessing": card.preprocessing}
        if card.has_masks:
            chosen |= {
                "ignored classes": list(rules.ignored(card.classes)),
                "ignored pixels": 255,
                "absent classes": "left out of the mean",
                "accumulation": "over the data set",
            }
        return chosen

    @abstractmethod
    def results(self, method: Method, inputs: Inputs, sampling: Sampling, rounding: str) -> Iterator[Any]:
        """What the method gives, one result a step count (one in all for a method without steps); see `Results`."""

    @abstractmethod
    def tensor(self, result: Any) -> Tensor:
        """What of a result is compared with another run: class ids, scores or images."""

    @abstractmethod
    def fault(self, result: Any, card: Card, count: int) -> str:
        """What of a result of `count` samples is not as the interface says ("images that ..."); empty if nothing."""

    @abstractmethod
    def array(self, result: Any, rounding: str) -> Any:
        """A result without a fault, on the CPU."""

    @abstractmethod
    def rows(self, batch: Batch, real: int, outputs: Sequence[Any], look: Look) -> Tables:
        """Evidence of the first `real` samples of a batch; `outputs`: arrays, one a sample of each label."""

    def real_rows(self, batch: Batch, look: Look) -> Tables | None:
        """Evidence of the real images themselves, where figures are against it."""
        return None

    @property
    def looks_at_real(self) -> bool:
        """Whether it has `real_rows`."""
        return type(self).real_rows is not Task.real_rows

    def exported(self, card: Card, ids: Sequence[str], outputs: Sequence[Any]) -> Mapping[str, bytes | pd.DataFrame]:
        """Files of the first ids: whole ones, and the rows of a CSV, by name; `outputs`: one a sample of each label."""
        raise InputError(f"{self.name} makes nothing that other tools read; choose another --task.")

    @abstractmethod
    def shown(self, output: Any) -> Array:
        """What of an output a preview shows: class ids [B], masks [B, H, W] or uint8 images [B, C, H, W]."""

    def has_pictures(self, card: Card) -> bool:
        """Whether its samples can be kept as pictures: no points, no more classes than a grey picture has values."""
        return not card.is_points and not (card.has_masks and len(card.classes) > IGNORE)

    def pictures(self, card: Card, batch: Batch, row: int, output: Any) -> dict[str, Array]:
        """What of a sample can be looked at, by `Kept.what`: masks of class ids [H, W], images uint8 [C, H, W].

        The real image only where it may be passed on.
        """
        found: dict[str, Array] = {"label": batch.labels[row]} if card.has_masks else {}
        if card.redistributable:
            found["real"] = to_uint8(batch.images[row])
        return found | ({"output": self.shown(output)[row]} if self.pictured else {})

    def ends(self, card: Card, batch: Batch) -> tuple[tuple[str, Tiles], tuple[str, Tiles]]:
        """What goes in and what should come out, each with its name, as pictures."""
        images, labels = [image_tile(i) for i in batch.images], [label_tile(v, card) for v in batch.labels]
        return (("label", labels), ("real", images)) if self.draws else (("image", images), ("truth", labels))

    def tiles(self, output: Any, card: Card, count: int) -> Tiles:
        """Pictures of the first outputs."""
        return [image_tile(v) if self.draws else label_tile(v, card) for v in self.shown(output)[:count]]

    def preview(self, card: Card, batch: Batch, output: Any) -> bytes:
        """PNG of what a method made of a few samples, between what went in and what is true."""
        from ...reports import pictures

        first, last = self.ends(card, batch)
        made = ("sample" if self.draws else "predicted", self.tiles(output, card, len(batch.ids)))
        rows = [first, made, last]
        return pictures.png(pictures.grid([tiles for _, tiles in rows], rows=[name for name, _ in rows]))


def label_tile(value: Any, card: Card) -> Image.Image:
    """A mask in its palette, or the name of a class."""
    from ...reports import pictures

    if card.palette is not None:
        return pictures.mask_tile(np.asarray(value), card.palette)
    return pictures.text_tile(card.classes[int(value)])


def image_tile(value: Array) -> Image.Image:
    """An image, float in [-1, 1] or uint8."""
    from ...reports import pictures

    return pictures.image_tile(value if value.dtype == np.uint8 else to_uint8(value))


def pad_to(rows: Array, size: int) -> Array:
    """Repeat the last row until there are `size`."""
    return np.concatenate([rows, np.repeat(rows[-1:], size - len(rows), axis=0)]) if len(rows) < size else rows


def confusion_columns(ids: Sequence[str], truth: Array, predicted: Array, num_classes: int) -> dict[str, Any]:
    """Sparse confusion counts of masks [B, H, W] as a table of evidence."""
    image, t, p, count = sparse_confusion(truth, predicted, num_classes)
    return {
        "id": np.asarray(ids)[image],
        "truth": t.astype(np.int16),
        "prediction": p.astype(np.int16),
        "pixels": count.astype(np.int32),
    }


def copied(made: Tensor) -> Array:
    """On the CPU, apart from the method's own memory, which it may use again."""
    return made.detach().cpu().numpy().copy()


def classes_fault(classes: Any, shape: tuple[int, ...], num_classes: int) -> str:
    """What is wrong with class ids that should be int64 of a shape; empty if nothing."""
    import torch

    if not isinstance(classes, torch.Tensor) or classes.dtype != torch.int64 or tuple(classes.shape) != shape:
        return f"classes that are not int64 {list(shape)}"
    if classes.min() < 0 or classes.max() >= num_classes:
        return f"classes that are not in 0-{num_classes - 1}"
    return ""


def images_fault(images: Any, card: Card, count: int) -> str:
    """What is wrong with images that should be as the card says; empty if nothing. Autocast may give its own dtype."""
    import torch

    shape, dtypes = (count, *card.shape), [torch.float32]
    if not isinstance(images, torch.Tensor) or tuple(images.shape) != shape:
        return f"images that are not {list(shape)}"
    if torch.is_autocast_enabled(images.device.type):
        dtypes.append(torch.get_autocast_dtype(images.device.type))
    if images.dtype not in dtypes:
        return f"images of {images.dtype}, not float32"
    if not images.isfinite().all():
        return "images that are not finite"
    return "" if card.is_points or images.abs().max() <= 1 else "images that are not in [-1, 1]"
