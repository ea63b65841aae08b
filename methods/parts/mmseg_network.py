"""A network of mmsegmentation, from images to class logits, or with labels to its own losses."""

from __future__ import annotations

import logging
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ...symmflow.errors import InputError
from ...symmflow.pixels import to_pixels
from .mmseg_config import check_types, set_classes


class Network(nn.Module):
    """Images [B, 3, H, W] in [-1, 1] -> logits [B, K, H, W]; with labels [B, H, W], the sum of the heads' losses.

    `preprocessor`: how the config normalises images in 0-255; `scale`: they are enlarged so many times before.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, preprocessor: dict[str, Any], scale: int) -> None:
        super().__init__()
        self.model: Any = model
        self.scale = scale
        self.flip = not preprocessor.get("bgr_to_rgb", False)  # its images are BGR, ours RGB
        for name, default in (("mean", 0.0), ("std", 1.0)):
            value = torch.tensor(preprocessor.get(name, [default] * 3)).reshape(1, 3, 1, 1)
            self.register_buffer(name, value, persistent=False)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        pixels = to_pixels(images)
        inputs = ((pixels.flip(1) if self.flip else pixels) - self.mean) / self.std
        if self.scale > 1:
            inputs = interpolate(inputs, scale_factor=self.scale, mode="bilinear", align_corners=False)
        large = tuple(inputs.shape[-2:])
        meta = {"img_shape": large, "ori_shape": large, "pad_shape": large, "padding_size": [0, 0, 0, 0]}
        if labels is not None:
            return self._loss(inputs, labels, meta)
        with _fitting(large):
            logits = self.model.inference(inputs, [meta] * len(images))
        return interpolate(logits, size=tuple(images.shape[-2:]), mode="bilinear", align_corners=False)

    def _loss(self, inputs: Tensor, labels: Tensor, meta: dict[str, Any]) -> Tensor:
        from mmengine.structures import PixelData
        from mmseg.structures import SegDataSample

        large = tuple(inputs.shape[-2:])
        enlarged = interpolate(labels[:, None].float(), size=large, mode="nearest").long()
        samples = []
        for mask in enlarged:
            sample = SegDataSample(metainfo=meta)
            sample.gt_sem_seg = PixelData(data=mask)
            samples.append(sample)
        with _fitting(large):
            losses = self.model.loss(inputs, samples)
        return torch.stack([value for name, value in losses.items() if "loss" in name]).sum()


def build(model: dict[str, Any], num_classes: int, scale: int = 1) -> Network:
    """The network of a config's `model`, with random weights."""
    try:
        with warnings.catch_warnings():  # mmcv-lite tells of ops that none of these configs uses
            warnings.simplefilter("ignore")
            import mmseg.models
            import mmseg.structures  # noqa: F401
            from mmengine.config import ConfigDict
            from mmengine.logging import MMLogger
            from mmengine.registry import init_default_scope
            from mmseg.registry import MODELS
    except ImportError as error:
        raise InputError(f"mmsegmentation cannot be imported ({error}); pip install 'symmbench[mmseg]'.") from None
    init_default_scope("mmseg")
    check_types(model, _registered())
    preprocessor = model.pop("data_preprocessor", {})
    set_classes(model, num_classes)
    try:
        with _silently(MMLogger.get_current_instance()):
            built = MODELS.build(ConfigDict(model))
            built.init_weights()
    except Exception as error:  # parts of other packages, values that do not fit
        raise InputError(f"mmsegmentation cannot build this model ({_first_line(error)}).") from error
    return Network(built, preprocessor, scale)


def _registered() -> set[str]:
    """Names of all parts of models, and of their helpers, that mmengine, mmcv and mmsegmentation register."""
    from mmengine.registry import MODELS, TASK_UTILS

    names, registries = set[str](), [MODELS, TASK_UTILS]
    while registries:
        registry = registries.pop()
        names |= set(registry.module_dict)
        registries += registry.children.values()
    return names | {"Normal", "Constant", "Xavier", "Kaiming", "TruncNormal", "Uniform", "Caffe2Xavier", "Bilinear"}


@contextmanager
def _silently(logger: logging.Logger) -> Iterator[None]:
    """Models tell of every parameter, some by print: nothing of it may stand in the JSON of standard output."""
    level = logger.level
    logger.setLevel("ERROR")
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _fitting(size: tuple[int, ...]) -> Iterator[None]:
    """Say what a model cannot do with: images too small for its pooling, labels that are only masks."""
    try:
        yield
    except (AttributeError, AssertionError, KeyError, TypeError) as error:  # a loss that asks for more, such as edges
        raise InputError(f"this model asks for more than images and masks ({_first_line(error)}).") from error
    except RuntimeError as error:
        if "too small" not in str(error):
            raise
        raise InputError(f"{size[0]}x{size[1]} pixels are too few for this model; raise options.scale.") from error


def _first_line(error: Exception) -> str:
    """What went wrong, and where if the error says nothing more."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0] if said else traceback.extract_tb(error.__traceback__)[-1].line}"
