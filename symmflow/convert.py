"""Published checkpoints: from the names that others gave their weights to ours, with every weight accounted for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from .errors import InputError
from .networks import UNet
from .stable_diffusion import StableDiffusionUNet, unlike

OURS = "unet."
"""Begins our names of what diffusers' network holds."""


@dataclass(frozen=True)
class Rule:
    """A weight of theirs, and those of ours that it becomes. Without `heads` the one is the other.

    `heads`: queries, keys and values of one map, packed head by head.
    """

    theirs: str
    shape: tuple[int, ...]
    ours: tuple[str, ...]
    heads: int | None = None

    def apply(self, value: Tensor) -> dict[str, Tensor]:
        if self.heads is None:
            return {self.ours[0]: value.reshape(self.shape[:2]) if self._flat else value}
        width = value.shape[0] // 3
        each = value.reshape(self.heads, 3, width // self.heads, *value.shape[1:])
        tail = (width,) if value.dim() > 1 else ()
        return {name: each[:, i].reshape(width, *tail).clone() for i, name in enumerate(self.ours)}

    @property
    def _flat(self) -> bool:
        """A convolution of width 1 over positions, which is a linear map."""
        return len(self.shape) == 3


def to_ours(weights: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Published weights of a network by our names, all of them; `network` may be on the meta device.

    Read are SymmFlow's pixel U-Net (Guided Diffusion's names), its latent U-Net (diffusers' names behind `unet.`),
    and diffusers' own, as SemFlow publishes. What the network holds beside its U-Net, such as the embedding of the
    prompt, is not among them. Raises `InputError` that names the first weight that is missing, unknown or of another
    shape.
    """
    if not isinstance(network, UNet | StableDiffusionUNet):
        raise InputError(f"no published format is known of a {type(network).__name__}; choose a recipe with a U-Net.")
    wanted = {n: tuple(v.shape) for n, v in network.unet.state_dict().items()}
    if any(name.startswith("input_blocks.") for name in weights):
        if not isinstance(network, UNet):
            raise InputError("these are weights of a pixel U-Net, and the recipe's network is Stable Diffusion's.")
        rules = list(guided_diffusion(network))
        _check(weights, {rule.theirs: rule.shape for rule in rules})
        found = {OURS + n: v for rule in rules for n, v in rule.apply(weights[rule.theirs]).items()}
        if set(found) != {OURS + name for name in wanted}:  # a network of another kind than the rules know
            raise InputError(
                "the recipe's network is not laid out as the published pixel U-Net; choose its [official]."
            )
        return found
    prefix = OURS if all(name.startswith(OURS) for name in weights) else ""
    _check(weights, {prefix + name: shape for name, shape in wanted.items()})
    return {OURS + name.removeprefix(prefix): value for name, value in weights.items()}


def _check(weights: Mapping[str, Tensor], wanted: Mapping[str, tuple[int, ...]]) -> None:
    if wrong := unlike(wanted, weights):
        raise InputError(f"the weights are not of the recipe's network: {wrong}.")


def guided_diffusion(network: UNet) -> Iterator[Rule]:
    """The weights of Guided Diffusion's U-Net as SymmFlow's authors publish it, a rule each."""
    unet: Any = network.unet
    shapes = {name: tuple(value.shape) for name, value in unet.state_dict().items()}
    for theirs, ours in _modules(unet):
        for kind in ("weight", "bias"):
            packed = theirs.endswith(".qkv")
            names = tuple(f"{ours}.to_{part}.{kind}" for part in "qkv") if packed else (f"{ours}.{kind}",)
            if names[0] not in shapes:
                raise InputError("the recipe's network has no norm in its middle, as the published one has.")
            shape = shapes[names[0]]
            if packed:
                shape = (3 * shape[0], *shape[1:])
            if kind == "weight" and (packed or theirs.endswith(".proj_out")):
                shape = (*shape, 1)
            heads = unet.get_submodule(ours).heads if packed else None
            yield Rule(f"{theirs}.{kind}", shape, names, heads)


def _modules(unet: Any) -> Iterator[tuple[str, str]]:
    """(their module, ours) in the order of the network; their numbers count blocks over all levels."""
    yield "time_embed.0", "time_embedding.linear_1"
    yield "time_embed.2", "time_embedding.linear_2"
    yield "input_blocks.0.0", "conv_in"
    number = 1
    for level, block in enumerate(unet.down_blocks):
        for i, resnet in enumerate(block.resnets):
            yield from _block(f"input_blocks.{number}", f"down_blocks.{level}", i, resnet, hasattr(block, "attentions"))
            number += 1
        if block.downsamplers:
            yield f"input_blocks.{number}.0.op", f"down_blocks.{level}.downsamplers.0.conv"
            number += 1
    yield from _residual("middle_block.0", "mid_block.resnets.0", unet.mid_block.resnets[0])
    yield from _attention("middle_block.1", "mid_block.attentions.0")
    yield from _residual("middle_block.2", "mid_block.resnets.1", unet.mid_block.resnets[1])
    number = 0
    for level, block in enumerate(unet.up_blocks):
        attends = hasattr(block, "attentions")
        for i, resnet in enumerate(block.resnets):
            yield from _block(f"output_blocks.{number}", f"up_blocks.{level}", i, resnet, attends)
            if block.upsamplers and i == len(block.resnets) - 1:
                yield f"output_blocks.{number}.{1 + attends}.conv", f"up_blocks.{level}.upsamplers.0.conv"
            number += 1
    yield "out.0", "conv_norm_out"
    yield "out.2", "conv_out"


def _block(theirs: str, ours: str, i: int, resnet: Any, attends: bool) -> Iterator[tuple[str, str]]:
    yield from _residual(f"{theirs}.0", f"{ours}.resnets.{i}", resnet)
    if attends:
        yield from _attention(f"{theirs}.1", f"{ours}.attentions.{i}")


def _residual(theirs: str, ours: str, resnet: Any) -> Iterator[tuple[str, str]]:
    yield f"{theirs}.in_layers.0", f"{ours}.norm1"
    yield f"{theirs}.in_layers.2", f"{ours}.conv1"
    yield f"{theirs}.emb_layers.1", f"{ours}.time_emb_proj"
    yield f"{theirs}.out_layers.0", f"{ours}.norm2"
    yield f"{theirs}.out_layers.3", f"{ours}.conv2"
    if resnet.conv_shortcut is not None:
        yield f"{theirs}.skip_connection", f"{ours}.conv_shortcut"


def _attention(theirs: str, ours: str) -> Iterator[tuple[str, str]]:
    yield f"{theirs}.norm", f"{ours}.group_norm"
    yield f"{theirs}.qkv", ours
    yield f"{theirs}.proj_out", f"{ours}.to_out.0"
