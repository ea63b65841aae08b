"""Segmenters of the transformers library: SegFormer, MaskFormer, Mask2Former and whatever has their interface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..datasets import Card
from ..symmflow.checkpoint import Checkpoint
from ..symmflow.errors import InputError
from ..symmflow.pixels import to_uint8
from .base import Foreign, Segmentation
from .does import YES, Does, Segment, Support, no
from .parts.foreign import REPORTED, TRANSFORMERS, Pretrained, held, loading, whole
from .sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor, nn


class HuggingFaceSegmenter(Pretrained):
    """`hf:<folder or hub id>`: a semantic segmenter with its image processor; its labels are the card's, in order.

    Images are resized and normalised as the model's own processor says, and the masks resized back.
    """

    name = "hf"
    title = "transformers segmenter (SegFormer, MaskFormer, Mask2Former)"
    tasks = (Segment(any_size=True),)
    stepless = True
    files = ("*.json", "*.safetensors")
    needs = ("config.json", "*.safetensors")

    def __init__(self, network: nn.Module, processor: Any, card: Card) -> None:
        self.net, self.processor, self.card = network, processor, card
        self.inference = self.Inference()

    @classmethod
    def can(cls, does: Does, steps: int | None, card: Card) -> Support:
        return YES if find_spec("transformers") else no(TRANSFORMERS)

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
            raise InputError(f"{TRANSFORMERS}.") from None
        disable_progress_bar()
        with loading(checkpoint.path, "segmentation model of transformers"):
            config = AutoConfig.from_pretrained(checkpoint.path, trust_remote_code=False)
            universal = config.model_type in ("maskformer", "mask2former", "oneformer")
            kind = AutoModelForUniversalSegmentation if universal else AutoModelForSemanticSegmentation
            check_classes(config, checkpoint.path, card)
            held(checkpoint.path, lambda: kind.from_config(config))
            network = whole(
                checkpoint.path,
                kind.from_pretrained(checkpoint.path, use_safetensors=True, trust_remote_code=False, **REPORTED),
            )
            processor = AutoImageProcessor.from_pretrained(checkpoint.path, trust_remote_code=False)
        return cls(network.to(device).eval().requires_grad_(False), processor, card)

    def segment(self, images: Tensor, sampling: Sampling) -> Iterator[Segmentation]:
        import torch

        pixels = torch.from_numpy(to_uint8(images.cpu().numpy())).expand(-1, 3, -1, -1)
        size = [tuple(images.shape[-2:])] * len(images)
        prepared = self.processor(images=list(pixels), return_tensors="pt", input_data_format="channels_first")
        made = self.net(pixel_values=prepared["pixel_values"].to(images.device))
        masks = self.processor.post_process_semantic_segmentation(made, target_sizes=size)
        yield Segmentation(torch.stack(list(masks)).long())


def check_classes(config: Any, path: Path, card: Card) -> None:
    """Refuse a model of other classes than the card's, or of these in another order."""
    if config.num_labels != len(card.classes):
        raise InputError(
            f"the model in {path} has {config.num_labels} classes and {card.name} {len(card.classes)}; "
            "give one that was trained on this data set."
        )
    named = tuple(str(config.id2label[i]).lower() for i in range(config.num_labels))
    ours = tuple(name.lower() for name in card.classes)
    if named != ours and sorted(named) == sorted(ours):
        first = next(i for i, (theirs, own) in enumerate(zip(named, ours, strict=True)) if theirs != own)
        raise InputError(
            f"the model in {path} has the classes of {card.name} in another order: {first} is {named[first]!r} there "
            f"and {ours[first]!r} here; give one that was trained on this data set."
        )
