"""Stable Diffusion's U-Net as a velocity network: told nothing but the empty prompt, channels added to its ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from .errors import InputError
from .names import one_line
from .network import closed
from .recipe import NetworkConfig

Widening = Literal["copy", "preserving"]
ENDS = ("conv_in.weight", "conv_out.weight", "conv_out.bias")
"""What depends on the channels that come in and go out, and nothing else does."""
NOTHING: Mapping[str, Any] = {}


class StableDiffusionUNet(nn.Module):
    """diffusers' UNet2DConditionModel on (z [B, C, h, w], t [B] in [0, 1]).

    It attends to one embedding for all images, that of the empty prompt, which is kept with its weights beside the
    token ids that it was made of: pipelines differ in the token that they pad with, and so in the embedding. Zeros
    where there is none. As in the paper there are cross-attention levels at every resolution but the lowest.
    """

    prompt: Tensor
    prompt_ids: Tensor

    def __init__(
        self,
        config: NetworkConfig,
        in_channels: int,
        out_channels: int,
        size: Sequence[int],
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        from diffusers import UNet2DConditionModel

        self.time_scale = config.time_scale
        self.register_buffer("prompt", torch.zeros(1, config.tokens, config.context))
        self.register_buffer("prompt_ids", torch.full((1, config.tokens), -1))
        self.unet: Any = UNet2DConditionModel(
            sample_size=max(size), in_channels=in_channels, out_channels=out_channels, num_class_embeds=num_classes,
            **configuration(config),
        )  # fmt: skip

    def forward(self, z: Tensor, t: Tensor, classes: Tensor | None = None) -> Tensor:
        told = self.prompt.expand(len(z), -1, -1)
        out: Tensor = self.unet(z, t * self.time_scale, told, class_labels=classes, return_dict=False)[0]
        return out


def configuration(config: NetworkConfig) -> dict[str, Any]:
    """The table in diffusers' words. What it calls `attention_head_dim` is the number of heads."""
    import math

    widths = [config.channels * m for m in config.multipliers]
    if len(config.heads) not in (1, len(widths)):
        raise InputError(f"network.heads has {len(config.heads)} numbers; give one, or {len(widths)}, one a level.")
    attends = [level < len(widths) - 1 for level in range(len(widths))]
    return {
        "block_out_channels": widths,
        "layers_per_block": config.depth,
        "down_block_types": ["CrossAttnDownBlock2D" if on else "DownBlock2D" for on in attends],
        "up_block_types": ["CrossAttnUpBlock2D" if on else "UpBlock2D" for on in reversed(attends)],
        "attention_head_dim": list(config.heads) if len(config.heads) > 1 else config.heads[0],
        "cross_attention_dim": config.context,
        "use_linear_projection": config.linear_projection,
        "norm_num_groups": math.gcd(32, *widths),
        "dropout": config.dropout,
    }


def widened(weights: Mapping[str, Tensor], in_channels: int, out_channels: int, how: Widening) -> dict[str, Tensor]:
    """Weights of a U-Net with channels added to `conv_in` and `conv_out`, by name; all others as they are.

    `copy`: the given channels again and again, neither halved nor scaled, as the authors' code does. `preserving`: of
    zeros, so that the first output is what the pretrained network makes of the first channels, beside zeros.
    """

    def more(weight: Tensor, channels: int, dim: int) -> Tensor:
        own = weight.shape[dim]
        if how == "copy":
            return torch.cat([weight] * -(-channels // own), dim=dim).narrow(dim, 0, channels).clone()
        shape = list(weight.shape)
        shape[dim] = max(channels - own, 0)
        return torch.cat([weight, weight.new_zeros(shape)], dim=dim).narrow(dim, 0, channels).clone()

    found = dict(weights)
    for name, channels, dim in zip(ENDS, (in_channels, out_channels, out_channels), (1, 0, 0), strict=True):
        found[name] = more(weights[name], channels, dim)
    return found


def load_pretrained(
    network: StableDiffusionUNet, weights: Mapping[str, Tensor], how: Widening, config: Mapping[str, Any] = NOTHING
) -> None:
    """Put a pretrained U-Net's weights into a network of other channels; `config`: what diffusers says of it.

    Raises `InputError` that names the first weight that is missing, unknown or of another shape.
    """
    if missing := [name for name in ENDS if name not in weights]:
        raise InputError(
            f"the pretrained U-Net has no {missing[0]}; give one of Stable Diffusion in diffusers' format."
        )
    unet = network.unet
    fitting = widened(weights, unet.config.in_channels, unet.config.out_channels, how)
    fitting |= {name: value for name, value in unet.state_dict().items() if name.startswith("class_embedding.")}
    wrong = unlike({n: tuple(v.shape) for n, v in unet.state_dict().items()}, fitting)
    if wrong := wrong or unlike_config(unet, config):
        raise InputError(f"the pretrained U-Net is another than the recipe's [network]: {wrong}.")
    unet.load_state_dict(fitting)


def unlike(wanted: Mapping[str, tuple[int, ...]], given: Mapping[str, Tensor]) -> str:
    """The first thing in which weights are unlike those wanted, and how many more there are; empty if nothing."""
    wrong = [f"it has no {name}" for name in wanted if name not in given]
    wrong += [
        f"{name} is {list(given[name].shape)} in it and {list(shape)} in the network"
        for name, shape in wanted.items()
        if name in given and tuple(given[name].shape) != shape
    ]
    wrong += [f"the network has no {name}" for name in given if name not in wanted]
    return f"{wrong[0]}{f' (and {len(wrong) - 1} more)' if wrong[1:] else ''}" if wrong else ""


SHAPELESS = (
    *("attention_head_dim", "norm_num_groups", "norm_eps", "act_fn", "flip_sin_to_cos", "freq_shift"),
    *("resnet_time_scale_shift", "center_input_sample", "downsample_padding", "mid_block_scale_factor"),
)
"""What decides what a U-Net does and is not seen in the shapes of its weights."""


def unlike_config(unet: Any, given: Mapping[str, Any]) -> str:
    """The first value in diffusers' configuration that is unlike a network's, of those that no shape shows."""

    def plain(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return value[0] if len(set(value)) == 1 else list(value)
        return value

    for name in SHAPELESS:
        own = plain(unet.config.get(name))
        if name in given and plain(given[name]) != own:
            return f"{name} is {given[name]} in its configuration and {own} in the network"
    return ""


def read_prompt(path: Path) -> Tensor:
    """An embedding [1, L, D] from a file of one tensor. Raises `InputError` for anything else."""
    from .weights import one_tensor

    found = one_tensor(path)
    return found[None] if found.dim() == 2 else found


def empty_prompt(pipeline: Path) -> tuple[Tensor, Tensor]:
    """The embedding [1, L, D] of the empty prompt by a pipeline's text encoder, and the token ids [1, L] it is of."""
    try:
        from transformers import CLIPTextModel, CLIPTokenizer
        from transformers.utils.logging import disable_progress_bar
    except ImportError:
        raise InputError("transformers is not installed, which makes the prompt's embedding; pip install it.") from None
    disable_progress_bar()
    try:
        with closed():
            tokenizer = CLIPTokenizer.from_pretrained(pipeline, subfolder="tokenizer", local_files_only=True)
            encoder = CLIPTextModel.from_pretrained(
                pipeline, subfolder="text_encoder", use_safetensors=True, local_files_only=True
            )
    except Exception as error:  # whatever another library makes of files that nobody has vetted
        first = one_line((str(error).strip() or repr(error)).splitlines()[0], 200)
        raise InputError(f"{pipeline} has no text encoder and tokenizer in diffusers' format ({first}).") from error
    length = min(tokenizer.model_max_length, encoder.config.max_position_embeddings)
    ids = tokenizer("", padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids
    with torch.inference_mode():
        embedding = encoder.eval()(ids)[0]
    return embedding.clone(), ids


def set_prompt(network: StableDiffusionUNet, embedding: Tensor, ids: Tensor) -> None:
    """Keep an embedding and its token ids in a network. Raises `InputError` for one of another shape."""
    if embedding.shape != network.prompt.shape:
        raise InputError(
            f"the embedding of the prompt is {list(embedding.shape)}, the network takes {list(network.prompt.shape)}; "
            "mend network.tokens and network.context, or choose another pipeline."
        )
    with torch.no_grad():
        network.prompt.copy_(embedding)
        network.prompt_ids.copy_(ids)
