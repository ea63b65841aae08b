"""Segmenters of the transformers library: SegFormer, MaskFormer, Mask2Former and whatever has their interface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..datasets import Card
from ..symmflow.checkpoint import Checkpoint
from ..symmflow.errors import InputError
from ..symmflow.recipe import Recipe
from .base import YES, Foreign, Method, Segmentation, Support, no
from .registry import foreign_checkpoint

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.noise import Draws
    from ..symmflow.objective import Objective
    from ..symmflow.solvers import Trace

INSTALL = "transformers is not installed; pip install 'symmbench[hf]'"


class HuggingFaceSegmenter(Method):
    """`hf:<folder or hub id>`: a semantic segmenter with its image processor; its labels are the card's, in order.

    Images are resized and normalised as the model's own processor says, and the masks resized back.
    """

    name = "hf"
    title = "transformers segmenter (SegFormer, MaskFormer, Mask2Former)"
    any_size = True
    stepless = True

    def __init__(self, network: nn.Module, processor: Any, card: Card) -> None:
        self.net, self.processor, self.card = network, processor, card
        self.inference = self.Inference()

    @classmethod
    def supports(cls, task: str, steps: int | None, card: Card) -> Support:
        if task != "ss":
            return no("transformers segmenters only segment")
        if not card.has_masks:
            return no(f"{card.name} has no masks to segment")
        return YES if find_spec("transformers") else no(INSTALL)

    @classmethod
    def open(cls, argument: str, dataset: str, given: str | None, trust: bool = False) -> Foreign:
        where = given or argument
        if not where:
            raise InputError("name the model: --method hf:<folder or hub id>.")
        return foreign_checkpoint(where, ("*.json", "*.safetensors"), needs=("config.json", "*.safetensors"))

    @classmethod
    def load(
        cls, checkpoint: Checkpoint | Foreign, card: Card, device: str, inference: Mapping[str, Any] | None = None
    ) -> HuggingFaceSegmenter:
        try:
            from transformers import (
                AutoConfig,
                AutoImageProcessor,
                AutoModelForSemanticSegmentation,
                AutoModelForUniversalSegmentation,
            )
            from transformers.utils.logging import disable_progress_bar
        except ImportError:
            raise InputError(f"{INSTALL}.") from None
        disable_progress_bar()
        try:
            config = AutoConfig.from_pretrained(checkpoint.path, trust_remote_code=False)
            universal = config.model_type in ("maskformer", "mask2former", "oneformer")
            kind = AutoModelForUniversalSegmentation if universal else AutoModelForSemanticSegmentation
            network = kind.from_pretrained(checkpoint.path, use_safetensors=True, trust_remote_code=False)
            processor = AutoImageProcessor.from_pretrained(checkpoint.path, trust_remote_code=False)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            first = str(error).strip().splitlines()[0]
            raise InputError(f"{checkpoint.path} is no segmentation model of transformers ({first}).") from error
        if config.num_labels != len(card.classes):
            raise InputError(
                f"the model in {checkpoint.path} has {config.num_labels} classes and {card.name} {len(card.classes)}; "
                "give one that was trained on this data set."
            )
        named = tuple(str(config.id2label[i]).lower() for i in range(config.num_labels))
        ours = tuple(name.lower() for name in card.classes)
        if named != ours and sorted(named) == sorted(ours):
            raise InputError(f"the model in {checkpoint.path} has the classes of {card.name} in another order.")
        return cls(network.to(device).eval().requires_grad_(False), processor, card)

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        raise InputError("hf models are not trained here; name one with --method hf:<folder or hub id>.")

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        raise InputError("hf models are not trained here; name one with --method hf:<folder or hub id>.")

    def segment(
        self, images: Tensor, *, steps: tuple[int | None, ...], solver: str, noise: Draws, trace: Trace | None = None
    ) -> Iterator[Segmentation]:
        import torch

        pixels = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).expand(-1, 3, -1, -1)
        size = [tuple(images.shape[-2:])] * len(images)
        for _ in steps:
            prepared = self.processor(
                images=list(pixels.cpu()), return_tensors="pt", input_data_format="channels_first"
            )
            made = self.net(pixel_values=prepared["pixel_values"].to(images.device))
            masks = self.processor.post_process_semantic_segmentation(made, target_sizes=size)
            yield Segmentation(torch.stack(list(masks)).long())
