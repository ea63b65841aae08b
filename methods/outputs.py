"""Outputs that somebody else's code made: masks, syntheses or class scores, read from files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ..datasets import Card
from ..symmflow.checkpoint import Checkpoint
from ..symmflow.errors import InputError
from ..symmflow.pixels import UNIT
from ..symmflow.recipe import Recipe, Table, check_table
from .base import Classification, Foreign, Method, Segmentation
from .does import YES, Classify, Does, Segment, Support, Synthesize, no
from .parts.output_files import fingerprint
from .sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.objective import Objective
    from .parts.output_reader import Reader


class OutputsInference(Table):
    """How outputs are read; part of the cell."""

    unpaired: bool = False
    """Syntheses of nobody knows which labels: only metrics of whole sets are measured."""


class Outputs(Method):
    """`outputs:<folder or file>`: what a method made of the samples of a split, matched to them by file stem.

    Masks: PNG of class ids or of the palette's colours, NPY. Syntheses: PNG, JPEG, WebP, NPY; several of a label by
    suffix (`ID_0.png`) or subfolder (`0/ID.png`, `ID/0.png`). Either: one NPZ or NPY in the split's order. Class
    scores: CSV or Parquet. Nothing is resized.
    """

    name = "outputs"
    title = "outputs made elsewhere: masks, syntheses or class scores in files"
    tasks = (Classify((), ()), Segment((), ()), Synthesize((), ("unpaired",)))
    stepless = ready_made = points = True
    Inference = OutputsInference

    def __init__(self, path: Path, card: Card) -> None:
        self.path, self.card = path, card
        self.inference = self.Inference()
        self.reader: Reader | None = None

    @classmethod
    def can(cls, does: Does, steps: int | None, card: Card) -> Support:
        if card.is_points and isinstance(does, Synthesize):
            return no(f"{card.name} has points, not images")
        return YES

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        cls._refuse_training()

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        cls._refuse_training()

    @classmethod
    def _refuse_training(cls) -> NoReturn:
        raise InputError("outputs are read, not trained; name a method that learns.")

    @classmethod
    def open(cls, argument: str, dataset: str, given: str | None, trust: bool = False) -> Foreign:
        if given or not argument:
            raise InputError("name the folder or file of the outputs after a colon: --method outputs:PATH.")
        path = Path(argument)
        return Foreign(path, argument, fingerprint(path))

    @classmethod
    def load(
        cls, checkpoint: Checkpoint | Foreign, card: Card, device: str, inference: Mapping[str, Any] | None = None
    ) -> Outputs:
        assert isinstance(checkpoint, Foreign)
        method = cls(checkpoint.path, card)
        method.inference = check_table(cls.Inference, inference or {}, f"--set for {cls.name}")
        return method

    def prepare(self, task: str, ids: Sequence[str], split: Sequence[str], several: int) -> None:
        from .parts.output_reader import Wanted
        from .parts.output_readers import images_of, masks_of
        from .parts.output_scores import scores_of

        readers = {Classify: scores_of, Segment: masks_of, Synthesize: images_of}
        does = self.does(task)
        assert does is not None
        wanted = Wanted(tuple(ids), tuple(split), several, self.inference.unpaired)
        self.reader = readers[type(does)](self.path, self.card, wanted)

    @property
    def paired(self) -> bool:
        return not self.inference.unpaired

    @property
    def networks(self) -> Sequence[nn.Module]:
        return ()

    def nfe(self, task: str, steps: Any, solver: str | None) -> int | None:
        return None

    def segment(self, images: Tensor, sampling: Sampling) -> Iterator[Segmentation]:
        import torch

        yield Segmentation(torch.from_numpy(self._read(sampling)).to(images.device))

    def classify(self, images: Tensor, sampling: Sampling) -> Iterator[Classification]:
        import torch

        scores = torch.from_numpy(self._read(sampling)).to(images.device)
        assert self.reader is not None
        yield Classification(scores.argmax(dim=1), scores, self.reader.scale)

    def synthesize(self, semantics: Tensor, sampling: Sampling) -> Iterator[Tensor]:
        import torch

        pixels = self._read(sampling, semantics)
        # a quarter of a grey level up, so that these are the pixels again whether rounded or truncated
        shifted = np.ascontiguousarray((pixels + 0.25) / UNIT - 1, dtype=np.float32)  # kernels round by layout
        yield torch.from_numpy(shifted).clamp(max=1).to(semantics.device)

    def _read(self, sampling: Sampling, labels: Tensor | None = None) -> Any:
        if self.reader is None:
            raise InputError("outputs are read of the samples of a split; evaluate them with `bench run`.")
        if labels is not None and labels.dim() == 1:
            self.reader.agree(sampling.noise.ids, labels.tolist())
        return self.reader.read(sampling.noise.ids, sampling.draw)
