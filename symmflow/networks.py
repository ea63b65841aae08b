"""Networks, built from the `[network]` table of a recipe: the toy MLP and the Guided-Diffusion U-Net."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from .errors import InputError, Oversized
from .recipe import NetworkConfig


def build_network(
    config: NetworkConfig, *, in_channels: int, out_channels: int, size: Sequence[int], num_classes: int | None = None
) -> nn.Module:
    """A network (z [B, in_channels, ...], t [B] in [0, 1]) -> [B, out_channels, ...].

    `size`: the spatial size of the training images, () for points. With `num_classes`, a U-Net takes class ids [B]
    as its third argument.
    """
    if config.kind == "cnn":
        raise InputError("network.kind = 'cnn' has no time to depend on; choose 'unet' for images or 'mlp' for points.")
    if config.kind == "mlp":
        if len(size):
            raise InputError("network.kind = 'mlp' takes points; choose 'unet' for images.")
        if num_classes:
            raise InputError("network.kind = 'mlp' has no class embedding; choose images and 'unet'.")
        return affordable(lambda: MLP(config, in_channels, out_channels))
    if not len(size):
        raise InputError(f"network.kind = {config.kind!r} takes images; choose 'mlp' for points.")
    if config.kind == "sd-unet":
        from .stable_diffusion import StableDiffusionUNet

        return affordable(lambda: StableDiffusionUNet(config, in_channels, out_channels, size, num_classes))
    return affordable(lambda: UNet(config, in_channels, out_channels, size, num_classes))


def affordable(make: Callable[[], nn.Module]) -> nn.Module:
    """The network, unless its parameters would take more memory than is free. On the meta device they take none."""
    import psutil

    if torch.get_default_device().type == "meta":
        return make()
    free, parameters = psutil.virtual_memory().available, parameters_of(make)
    if 4 * parameters > free:
        raise InputError(
            f"this network has {parameters:,} parameters, which take {4 * parameters / 2**30:,.0f} GiB, and "
            f"{free / 2**30:,.0f} are free; make it smaller (network.channels, multipliers, depth)."
        )
    return make()


def quarter_waves(t: Tensor, frequencies: int) -> Tensor:
    """t and the sines and cosines of k pi t / 2, [B] -> [B, 1 + 2 * frequencies].

    Quarter waves, because a full one would give t = 0 and t = 1, the two clean ends, the same embedding.
    """
    phase = math.pi / 2 * t[:, None] * torch.arange(1, frequencies + 1, device=t.device)
    return torch.cat([t[:, None], phase.sin(), phase.cos()], dim=1)


class MLP(nn.Module):
    """The toy's multilayer perceptron on (z [B, D], t [B])."""

    def __init__(self, config: NetworkConfig, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.frequencies = config.time_frequencies
        widths = [in_channels + 1 + 2 * self.frequencies] + [config.channels] * config.depth
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.SiLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], out_channels))

    def forward(self, z: Tensor, t: Tensor) -> Tensor:
        return self.layers(torch.cat([z, quarter_waves(t, self.frequencies)], dim=1))


class UNet(nn.Module):
    """The U-Net of Guided Diffusion (Dhariwal and Nichol 2021), as SymmFlow's Table 8 names it, from diffusers' parts.

    Matches: widths by multiplier, `depth` residual blocks a level (one more on the way up), GroupNorm and SiLU, time as
    scale and shift of the second norm (added before it with `time` = "add"), normalised attention at the listed
    resolutions of the network's grid and, with `middle_norm`, in the middle, convolutional down- and upsampling, zero-
    initialised last convolution of every residual block, attention and output, cosine-first time embedding. Cannot
    match: attention uses separate query, key and value projections where Guided Diffusion packs them in one (the same
    function), heads follow from one head width for the whole network, so at levels narrower than `head_channels` that
    width shrinks to the level's. GroupNorm has 32 groups only where the widths divide by 32; otherwise the largest
    divisor. A class, where there is one, is an embedding added to that of the time.

    `patch` > 1 folds patch x patch pixels into channels (pixel unshuffle) before the network and unfolds them
    after: a cheap small model, not part of the paper. Nor is `gain`: the input, scaled by a learned function of time a
    channel, is added to the output, so that a narrow network need not carry noise from one end to the other (the skip
    of EDM, Karras et al. 2022, learned).
    """

    def __init__(
        self,
        config: NetworkConfig,
        in_channels: int,
        out_channels: int,
        size: Sequence[int],
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        from diffusers import UNet2DModel
        from diffusers.models.attention_processor import AttnProcessor

        self.patch, self.time_scale = config.patch, config.time_scale
        self.multiple = self.patch * 2 ** (len(config.multipliers) - 1)
        self.check_size(size)
        widths = [config.channels * m for m in config.multipliers]
        grid = max(size) // self.patch
        attends = [grid // 2**level in config.attention for level in range(len(widths))]
        attending = [width for width, on in zip(widths, attends, strict=True) if on] + [widths[-1]]
        fold, groups = self.patch**2, math.gcd(32, *widths)
        self.unet: Any = UNet2DModel(
            sample_size=grid,
            in_channels=in_channels * fold,
            out_channels=out_channels * fold,
            block_out_channels=widths,
            layers_per_block=config.depth,
            down_block_types=["AttnDownBlock2D" if on else "DownBlock2D" for on in attends],
            up_block_types=["AttnUpBlock2D" if on else "UpBlock2D" for on in reversed(attends)],
            resnet_time_scale_shift="scale_shift" if config.time == "scale-shift" else "default",
            attention_head_dim=min(config.head_channels, *attending),
            norm_num_groups=groups,
            attn_norm_num_groups=groups if config.middle_norm else None,
            dropout=config.dropout,
            num_class_embeds=num_classes,
        )
        if not config.middle_norm:  # kernels that compute the softmax again in the backward pass overflow
            cast(Any, self.unet).mid_block.attentions[0].set_processor(AttnProcessor())
        self.out_channels, self.frequencies = out_channels, config.time_frequencies
        self.gain: nn.Module | None = None
        if config.gain:
            last = nn.Linear(32, out_channels)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.gain = nn.Sequential(nn.Linear(1 + 2 * self.frequencies, 32), nn.SiLU(), last)
        for name, module in self.named_modules():
            if name == "unet.conv_out" or name.endswith((".conv2", ".to_out.0")):
                nn.init.zeros_(module.weight)
                nn.init.zeros_(module.bias)

    def check_size(self, size: Sequence[int]) -> None:
        """Refuse images that the levels cannot halve evenly."""
        if any(side % self.multiple for side in size):
            raise InputError(
                f"images of {size[0]}x{size[1]} do not fit this network; both sides must divide by {self.multiple}."
            )

    def forward(self, z: Tensor, t: Tensor, classes: Tensor | None = None) -> Tensor:
        folded = nn.functional.pixel_unshuffle(z, self.patch)  # [B, C p^2, H / p, W / p]
        out = self.unet(folded, t * self.time_scale, class_labels=classes, return_dict=False)[0]
        out = nn.functional.pixel_shuffle(out, self.patch)
        if self.gain is None:
            return out
        return out + self.gain(quarter_waves(t, self.frequencies))[:, :, None, None] * z[:, : self.out_channels]


def checkpoint_gradients(network: nn.Module) -> None:
    """Let a network compute its blocks again in the backward pass instead of keeping what is in them.

    Raises `InputError` for one that diffusers' blocks are not in.
    """
    able: list[Any] = [part for part in network.modules() if getattr(part, "_supports_gradient_checkpointing", False)]
    if not able:
        raise InputError(
            "this network has no blocks that can be computed again; set train.gradient_checkpointing = false."
        )
    for part in able:
        part.enable_gradient_checkpointing()


def parameters_of(make: Callable[[], nn.Module]) -> int:
    """How many parameters a network would have: it is built on a device that stores none."""
    try:
        return parameter_count(weightless(make))
    except Oversized:
        return 2**60


def weightless(make: Callable[[], nn.Module]) -> nn.Module:
    """The network on a device that stores none of its weights. Raises `Oversized` where they cannot be numbered."""
    try:
        with torch.device("meta"):
            return make()
    except RuntimeError as error:
        if "overflow" not in str(error) and "too large" not in str(error):
            raise
        raise Oversized("this network has more weights than any machine") from None


def parameter_count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())
