"""Segmenters of the transformers library: SegFormer, MaskFormer, Mask2Former and whatever has their interface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..datasets import Card
from ..symmflow.checkpoint import Checkpoint
from ..symmflow.errors import InputError
from ..symmflow.pixels import to_uint8
from ..symmflow.recipe import check_table
from ..symmflow.solvers import Steps
from .base import Foreign, Segmentation
from .does import YES, Does, Segment, Support, no
from .parts.classes import class_order
from .parts.foreign import REPORTED, SAFE, TRANSFORMERS, Pretrained, held, loading, whole
from .parts.processors import prepared, uncropped
from .parts.windows import SegmenterInference, chosen_window, slid
from .sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor, nn


class HuggingFaceSegmenter(Pretrained):
    """`hf:<folder or hub id>`: a semantic segmenter with its image processor; its labels are the card's, in order.

    Images are resized and normalised as the model's own processor says, and the masks resized back; nothing is cropped
    or padded. With `--set window=N` the model sees windows of the image as it is, only normalised, and their scores
    are averaged.
    """

    name = "hf"
    title = "transformers segmenter (SegFormer, MaskFormer, Mask2Former)"
    tasks = (Segment(any_size=True),)
    stepless = True
    files = ("*.json", SAFE)
    pickled = ("pytorch_model*.bin",)
    needs = ("config.json",)
    Inference = SegmenterInference

    def __init__(self, network: nn.Module, processor: Any, card: Card) -> None:
        self.net, self.processor, self.card = network, processor, card
        self.inference = self.Inference()
        self.order: tuple[int, ...] | None = None
        """The card's id of each class id of the model's; None: the same."""

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
        chosen = check_table(cls.Inference, inference or {}, f"--set for {cls.name}")
        path = checkpoint.path
        disable_progress_bar()
        with loading(path, "segmentation model of transformers"):
            config = AutoConfig.from_pretrained(path, trust_remote_code=False)
            universal = config.model_type in ("maskformer", "mask2former", "oneformer")
            kind = AutoModelForUniversalSegmentation if universal else AutoModelForSemanticSegmentation
            named = [str(config.id2label.get(i, "")) for i in range(config.num_labels)]
            order = class_order(named, config.num_labels, card, str(path), chosen.classes)
            safe = any(path.glob(SAFE))  # else pickles, of which weights alone are read
            held(path, lambda: kind.from_config(config), (SAFE,) if safe else cls.pickled)
            network = whole(path, kind.from_pretrained(path, use_safetensors=safe, trust_remote_code=False, **REPORTED))
            processor = AutoImageProcessor.from_pretrained(path, trust_remote_code=False)
            uncropped(processor, path, card.size, chosen_window(chosen))
        method = cls(network.to(device).eval().requires_grad_(False), processor, card)
        method.inference, method.order = chosen, order
        return method

    def nfe(self, task: str, steps: Steps | None, solver: str | None) -> int:
        window = chosen_window(self.inference)
        return len(window.places(self.card.size)) if window else 1

    def segment(self, images: Tensor, sampling: Sampling) -> Iterator[Segmentation]:
        import torch

        window = chosen_window(self.inference)
        pixels = list(torch.from_numpy(to_uint8(images.cpu().numpy())).expand(-1, 3, -1, -1))
        values, (height, width) = prepared(self.processor, pixels).to(images.device), images.shape[-2:]
        if window:
            classes = slid(self._scores, values[..., :height, :width], window).argmax(dim=1)
        else:
            made, sizes = self.net(pixel_values=values), [(height, width)] * len(images)
            classes = torch.stack(list(self.processor.post_process_semantic_segmentation(made, target_sizes=sizes)))
        if self.order is not None:
            classes = torch.tensor(self.order, device=classes.device)[classes.long()]
        yield Segmentation(classes.long())

    def _scores(self, values: Tensor) -> Tensor:
        """Of prepared images [B, 3, h, w], scores of classes [B, K, h, w].

        Masks of queries are enlarged before they are weighed by their classes, as in the code of MaskFormer and
        Mask2Former; transformers does so at 384x384.
        """
        import torch
        from torch.nn.functional import interpolate

        made, size = self.net(pixel_values=values), tuple(values.shape[-2:])
        if "masks_queries_logits" not in made:
            return interpolate(made.logits, size=size, mode="bilinear", align_corners=False)
        weights = made.class_queries_logits.softmax(dim=-1)[..., :-1]  # [B, Q, K], without "no object"
        found = []
        for of, masks in zip(weights, made.masks_queries_logits, strict=True):  # masks [Q, h / 4, w / 4]
            large = interpolate(masks[None], size=size, mode="bilinear", align_corners=False)[0].sigmoid()
            found.append(torch.einsum("qk,qhw->khw", of, large))
        return torch.stack(found)
