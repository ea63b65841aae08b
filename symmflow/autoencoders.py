"""Pretrained autoencoders as image codecs: Stable Diffusion's, TAESD and TAEF2."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from .bounded import check_size, check_weights
from .errors import InputError
from .files import sha256
from .names import one_line
from .network import closed
from .networks import parameters_of
from .recipe import LatentsConfig
from .weights import LARGEST, read_tables

if TYPE_CHECKING:
    from torch import nn

    from .footprint import Footprint

CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"


class Autoencoder(ABC):
    """A pretrained autoencoder that is never trained here; its weights are read when they are first needed.

    `find`: the folder of its files, asked for once. It works on the device of what it is given, `chunk` images at a
    time (1 is what diffusers calls slicing), and never in tiles, which change the result.
    """

    files: ClassVar[tuple[str, ...]]
    """That decide what it does."""
    statistics: ClassVar[int] = 1
    """Numbers that it says of a latent: 2, mean and logarithm of the variance, where it has a posterior."""

    def __init__(self, config: LatentsConfig, find: Callable[[], Path]) -> None:
        self.config, self._find = config, find

    @cached_property
    def folder(self) -> Path:
        """Where its files lie. Raises `InputError` where one is missing."""
        folder = self._find()
        if not (folder / self.files[0]).is_file() and (folder / "vae" / self.files[0]).is_file():
            folder = folder / "vae"  # of a whole pipeline
        for name in self.files:
            if not (folder / name).is_file():
                raise InputError(f"{folder} is no {self.config.codec}: it has no {name}.")
        return folder

    @cached_property
    def sha256(self) -> str:
        """Of its files: their names and contents."""
        said = "".join(f"{name} {sha256(self.folder / name)}\n" for name in self.files)
        return hashlib.sha256(said.encode()).hexdigest()

    @cached_property
    def model(self) -> nn.Module:
        """Its network. Raises `InputError` for files that are not of its kind, or of another shape than configured."""
        folder = self.folder  # found, perhaps fetched, before the network is closed
        try:
            with closed():
                model = self._read(folder)
        except InputError:
            raise
        except Exception as error:  # whatever another library makes of files that nobody has vetted
            first = (str(error).strip() or repr(error)).splitlines()[0]
            raise InputError(f"{self.folder} is no {self.config.codec} ({one_line(first, 200)}).") from error
        channels, factor = self._found(model)
        if (channels, factor) != (self.config.channels, self.config.factor):
            raise InputError(
                f"{self.folder} has {channels} latent channels, one for {factor} pixels a side; the recipe says "
                f"latents.channels = {self.config.channels} and latents.factor = {self.config.factor}; mend it."
            )
        return model.eval().requires_grad_(False)

    def shape(self, image: Sequence[int]) -> tuple[int, ...]:
        channels, *spatial = image
        if channels != 3 or len(spatial) != 2:
            raise InputError(f"latents.codec = {self.config.codec!r} takes colour images; choose 'pixels' for others.")
        if any(side % self.config.factor for side in spatial):
            raise InputError(
                f"images of {spatial[0]}x{spatial[1]} do not fit {self.config.codec}; both sides must divide by "
                f"{self.config.factor}."
            )
        return self.config.channels, *(side // self.config.factor for side in spatial)

    def pixels(self, spatial: Sequence[int]) -> tuple[int, ...]:
        return tuple(side * self.config.factor for side in spatial)

    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        return self.drawn(self.moments(images), noise)

    def moments(self, images: Tensor) -> Tensor:
        """What it says of images before anything is drawn, [B, m, h, w]: all that `drawn` needs of them."""
        self.shape(images.shape[1:])
        model: Any = self.model.to(images.device)
        with torch.no_grad():
            return torch.cat([self._moments(model, x) for x in images.split(self.config.chunk)])

    def moments_shape(self, image: Sequence[int]) -> tuple[int, ...]:
        """(m, h, w) of images of shape (C, H, W); reads no weights."""
        channels, *spatial = self.shape(image)
        return self.statistics * channels, *spatial

    def drawn(self, moments: Tensor, noise: Tensor | None = None) -> Tensor:
        """The latents that `encode` makes of images with these moments."""
        with torch.no_grad():
            return self._drawn(self.model, moments, noise).float()

    def decode(self, latents: Tensor) -> Tensor:
        model: Any = self.model.to(latents.device)
        with torch.no_grad():
            return torch.cat([self._decode(model, z).float() for z in latents.split(self.config.chunk)])

    def encoding(self, image: Sequence[int], precision: str = "fp32") -> Footprint:
        """What it takes to encode one image of shape (C, H, W); no weights are read."""
        return self._footprint(self._moments, image, precision)

    def decoding(self, image: Sequence[int], precision: str = "fp32") -> Footprint:
        """What it takes to decode one image of shape (C, H, W); no weights are read."""
        return self._footprint(self._decode, self.shape(image), precision)

    def _footprint(self, call: Callable[..., Tensor], shape: Sequence[int], precision: str) -> Footprint:
        from .footprint import IMAGES, footprint

        return footprint(self._blank, lambda m: call(m, torch.empty(IMAGES, *shape)), precision, backward=False)

    @property
    def _said(self) -> dict[str, Any]:
        """Its configuration, if it is on this machine; empty if not."""
        try:
            with closed():
                return read_tables(self.folder / CONFIG)
        except InputError:
            return {}

    @abstractmethod
    def _blank(self) -> nn.Module:
        """Its network without weights: as its configuration says, or, where that is not here, as the published ones."""

    @abstractmethod
    def _read(self, folder: Path) -> nn.Module: ...
    @abstractmethod
    def _found(self, model: Any) -> tuple[int, int]:
        """Latent channels, and pixels a side for a latent."""

    @abstractmethod
    def _moments(self, model: Any, images: Tensor) -> Tensor: ...
    @abstractmethod
    def _drawn(self, model: Any, moments: Tensor, noise: Tensor | None) -> Tensor: ...
    @abstractmethod
    def _decode(self, model: Any, latents: Tensor) -> Tensor: ...


def _loaded(kind: Any, folder: Path) -> nn.Module:
    """By diffusers, every weight from the files; none is made that they cannot hold."""
    size = check_size(folder / WEIGHTS, LARGEST)
    said = read_tables(folder / CONFIG)
    if (other := said.get("_class_name", kind.__name__)) != kind.__name__:
        raise InputError(f"{folder} is no whole {kind.__name__}: its configuration is of {one_line(str(other), 80)}.")
    if (parameters := parameters_of(lambda: kind.from_config(said))) > size:
        raise InputError(
            f"the configuration in {folder} is of {parameters:,} parameters, and its weights are {size:,} bytes; give "
            "files that belong together."
        )
    model, found = kind.from_pretrained(folder, use_safetensors=True, output_loading_info=True, local_files_only=True)
    wrong = [*found["missing_keys"], *found["unexpected_keys"], *found["mismatched_keys"]]
    if wrong:
        raise InputError(f"{folder} is no whole {kind.__name__}: {wrong[0]} is missing, unknown or of another shape.")
    network: nn.Module = model
    return network


class KLAutoencoder(Autoencoder):
    """diffusers' AutoencoderKL, as Stable Diffusion has it: latents are (posterior - shift) * scale."""

    files = (CONFIG, WEIGHTS)
    statistics = 2

    def _blank(self) -> nn.Module:
        from diffusers import AutoencoderKL

        levels = self.config.factor.bit_length()
        published = {
            "block_out_channels": [128 * min(2**level, 4) for level in range(levels)],
            "down_block_types": ["DownEncoderBlock2D"] * levels,
            "up_block_types": ["UpDecoderBlock2D"] * levels,
            "layers_per_block": 2,
            "latent_channels": self.config.channels,
        }
        network: nn.Module = AutoencoderKL.from_config(self._said or published)
        return network

    def _read(self, folder: Path) -> nn.Module:
        from diffusers import AutoencoderKL

        return _loaded(AutoencoderKL, folder)

    def _found(self, model: Any) -> tuple[int, int]:
        return model.config.latent_channels, 2 ** (len(model.config.block_out_channels) - 1)

    def _scale(self, model: Any) -> float:
        return self.config.scale or model.config.scaling_factor

    def _moments(self, model: Any, images: Tensor) -> Tensor:
        return model.encode(images).latent_dist.parameters

    def _drawn(self, model: Any, moments: Tensor, noise: Tensor | None) -> Tensor:
        from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

        posterior = DiagonalGaussianDistribution(moments)
        latents = posterior.mode() if noise is None else posterior.mean + posterior.std * noise.to(moments.device)
        return (latents - (model.config.shift_factor or 0.0)) * self._scale(model)

    def _decode(self, model: Any, latents: Tensor) -> Tensor:
        return model.decode(latents / self._scale(model) + (model.config.shift_factor or 0.0)).sample


class TinyAutoencoder(Autoencoder):
    """diffusers' AutoencoderTiny (TAESD). It has no posterior, and its latents are scaled by 1, not by 0.18215.

    Its `forward` rounds latents to 8 bits, its tiles have four channels: only `encode` and `decode` are called.
    """

    files = (CONFIG, WEIGHTS)

    def _blank(self) -> nn.Module:
        from diffusers import AutoencoderTiny

        network: nn.Module = AutoencoderTiny.from_config(self._said or {"latent_channels": self.config.channels})
        return network

    def _read(self, folder: Path) -> nn.Module:
        from diffusers import AutoencoderTiny

        return _loaded(AutoencoderTiny, folder)

    def _found(self, model: Any) -> tuple[int, int]:
        return model.config.latent_channels, 2 ** (len(model.config.encoder_block_out_channels) - 1)

    def _moments(self, model: Any, images: Tensor) -> Tensor:
        return model.encode(images).latents

    def _drawn(self, model: Any, moments: Tensor, noise: Tensor | None) -> Tensor:
        return moments * (self.config.scale or model.config.scaling_factor)

    def _decode(self, model: Any, latents: Tensor) -> Tensor:
        return model.decode(latents / (self.config.scale or model.config.scaling_factor)).sample


class TAEF2(TinyAutoencoder):
    """The tiny autoencoder of FLUX.2's latents (madebyollin/taesd), in its own two files of weights.

    TAESD with 32 latent channels, whose blocks at the lowest resolution see the whole map: diffusers has no such block.
    """

    files = ("taef2_encoder.pth", "taef2_decoder.pth")
    lowest: ClassVar[dict[str, tuple[int, ...]]] = {"encoder": (11, 12, 13), "decoder": (2, 3, 4)}
    """Among the layers of diffusers' halves."""

    def _blank(self) -> nn.Module:
        from diffusers import AutoencoderTiny

        from .taef2 import pooled

        model: Any = AutoencoderTiny(latent_channels=32)
        for half in self.lowest:
            layers = getattr(model, half).layers
            for index in self.lowest[half]:
                layers[index] = pooled(layers[index])
        network: nn.Module = model
        return network

    def _read(self, folder: Path) -> nn.Module:
        model, weights = self._blank(), {}
        for half, file in zip(self.lowest, self.files, strict=True):
            check_weights(folder / file)
            # the file of the decoder counts the clamp before the first layer too
            for name, value in torch.load(folder / file, map_location="cpu", weights_only=True).items():
                index, _, rest = name.partition(".")
                weights[f"{half}.layers.{int(index) - (half == 'decoder')}.{rest}"] = value.float()
        model.load_state_dict(weights)
        return model


KINDS: dict[str, type[Autoencoder]] = {
    "autoencoder-kl": KLAutoencoder,
    "autoencoder-tiny": TinyAutoencoder,
    "taef2": TAEF2,
}
