"""Image codecs: tiny autoencoders in the official formats, built and saved here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from torch import Tensor, nn

from symmbench.symmflow.autoencoders import KINDS, Autoencoder
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.labels import Palette
from symmbench.symmflow.latents import InLatents, LatentLabels, Pixels
from symmbench.symmflow.noise import Draws
from symmbench.symmflow.recipe import LatentsConfig

COLORS = ((0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255))


def taef2(half: str) -> dict[str, Tensor]:
    """A state dict in the layout of taef2, from its description: indices of plain convolutions and blocks, random."""
    torch.manual_seed(len(half))

    def block(index: int, pool: bool) -> dict[str, Tensor]:
        shapes = {f"{index}.conv.{n}.{kind}": (64, 64, 3, 3) if kind == "weight" else (64,) for n in (0, 2, 4)
                  for kind in ("weight", "bias")}  # fmt: skip
        if pool:
            shapes |= {f"{index}.pool.0.weight": (256, 64, 1, 1), f"{index}.pool.1.weight": (256,),
                       f"{index}.pool.1.bias": (256,), f"{index}.pool.3.weight": (64, 256, 1, 1)}  # fmt: skip
        return {name: 0.05 * torch.randn(shape) for name, shape in shapes.items()}

    def conv(index: int, before: int, after: int, bias: bool = True) -> dict[str, Tensor]:
        weights = {f"{index}.weight": 0.05 * torch.randn(after, before, 3, 3)}
        return weights | ({f"{index}.bias": torch.zeros(after)} if bias else {})

    found: dict[str, Tensor] = {}
    if half == "encoder":
        found |= conv(0, 3, 64) | block(1, False)
        for first in (2, 6, 10):
            found |= conv(first, 64, 64, bias=False)
            for index in range(first + 1, first + 4):
                found |= block(index, first == 10)
        found |= conv(14, 64, 32)
    else:
        found |= conv(1, 32, 64)
        for first in (3, 8, 13):
            for index in range(first, first + 3):
                found |= block(index, first == 3)
            found |= conv(first + 4, 64, 64, bias=False)
        found |= block(18, False) | conv(19, 64, 3)
    return {name: value.half() for name, value in found.items()}


def described(half: str, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """The half as its authors describe it: a row of layers by number, written out."""
    from torch.nn import functional as f

    w = {name: value.float() for name, value in weights.items()}

    def block(i: int, x: Tensor) -> Tensor:
        if f"{i}.pool.0.weight" in w:
            y = f.group_norm(f.conv2d(x, w[f"{i}.pool.0.weight"]), 4, w[f"{i}.pool.1.weight"], w[f"{i}.pool.1.bias"])
            x = x + f.conv2d(y.relu(), w[f"{i}.pool.3.weight"])
        y = x
        for n in (0, 2, 4):
            y = f.conv2d(y.relu() if n else y, w[f"{i}.conv.{n}.weight"], w[f"{i}.conv.{n}.bias"], padding=1)
        return (y + x).relu()

    def conv(i: int, x: Tensor, stride: int = 1) -> Tensor:
        return f.conv2d(x, w[f"{i}.weight"], w.get(f"{i}.bias"), stride=stride, padding=1)

    if half == "encoder":  # images in [0, 1]
        x = block(1, conv(0, x))
        for first in (2, 6, 10):
            x = conv(first, x, stride=2)
            for i in range(first + 1, first + 4):
                x = block(i, x)
        return conv(14, x)
    x = conv(1, torch.tanh(x / 3) * 3).relu()
    for first in (3, 8, 13):
        for i in range(first, first + 3):
            x = block(i, x)
        x = conv(first + 4, f.interpolate(x, scale_factor=2, mode="nearest"))
    return conv(19, block(18, x))


def save(kind: str, folder: Path) -> LatentsConfig:
    """A random autoencoder of a kind in its own format, and what a recipe says of it."""
    torch.manual_seed(0)
    if kind == "autoencoder-kl":
        AutoencoderKL(
            block_out_channels=(8, 8, 8), down_block_types=["DownEncoderBlock2D"] * 3, norm_num_groups=4,
            up_block_types=["UpDecoderBlock2D"] * 3, latent_channels=4, layers_per_block=1, scaling_factor=0.3,
        ).save_pretrained(folder)  # fmt: skip
        return LatentsConfig(codec=kind, weights=str(folder), channels=4, factor=4, chunk=2)
    if kind == "autoencoder-tiny":
        AutoencoderTiny(
            encoder_block_out_channels=(8, 8, 8), decoder_block_out_channels=(8, 8, 8), latent_channels=16,
            num_encoder_blocks=(1, 1, 1), num_decoder_blocks=(1, 1, 1),
        ).save_pretrained(folder)  # fmt: skip
        return LatentsConfig(codec=kind, weights=str(folder), channels=16, factor=4, chunk=2)
    for half in ("encoder", "decoder"):
        torch.save(taef2(half), folder / f"taef2_{half}.pth")
    return LatentsConfig(codec="taef2", weights=str(folder), channels=32, factor=8, chunk=2)


def opened(config: LatentsConfig) -> Autoencoder:
    return KINDS[config.codec](config, lambda: Path(str(config.weights)))


@pytest.fixture(params=list(KINDS))
def codec(request: pytest.FixtureRequest, tmp_path: Path) -> Autoencoder:
    return opened(save(request.param, tmp_path))


def test_shapes_follow_from_the_recipe_and_chunks_change_nothing(codec: Autoencoder) -> None:
    images = torch.rand(5, 3, 16, 32) * 2 - 1
    latents = codec.encode(images)
    assert latents.shape == (5, *codec.shape((3, 16, 32))) and codec.pixels(latents.shape[2:]) == (16, 32)
    again = codec.decode(latents)
    assert again.shape == images.shape and again.dtype == torch.float32
    for i in range(5):  # one by one
        torch.testing.assert_close(codec.encode(images[i : i + 1]), latents[i : i + 1], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(codec.decode(latents[i : i + 1]), again[i : i + 1], atol=1e-5, rtol=1e-5)
    assert not any(p.requires_grad for p in codec.model.parameters())


def test_what_does_not_fit_is_said_before_weights_are_read(codec: Autoencoder) -> None:
    with pytest.raises(InputError, match="colour images"):
        codec.shape((1, 16, 16))
    with pytest.raises(InputError, match="must divide by"):
        codec.encode(torch.zeros(1, 3, 18, 16))
    assert "model" not in vars(codec)


def test_a_recipe_that_says_another_shape_and_files_of_another_kind_are_refused(codec: Autoencoder) -> None:
    with pytest.raises(InputError, match=r"latents\.channels = 7"):
        opened(codec.config.model_copy(update={"channels": 7})).encode(torch.zeros(1, 3, 16, 16))
    other = "autoencoder-tiny" if codec.config.codec == "autoencoder-kl" else "autoencoder-kl"
    with pytest.raises(InputError, match=f"is no {other}|is no whole Autoencoder"):
        _ = opened(codec.config.model_copy(update={"codec": other})).model
    (codec.folder / codec.files[1]).unlink()
    with pytest.raises(InputError, match=f"it has no {codec.files[1]}"):
        _ = opened(codec.config).folder


def test_the_hash_is_of_the_files(codec: Autoencoder) -> None:
    before = codec.sha256
    assert opened(codec.config).sha256 == before
    file = codec.folder / codec.files[1]
    file.write_bytes(file.read_bytes() + b" ")
    assert opened(codec.config).sha256 != before


def test_kl_scales_the_mode_or_a_draw_of_its_posterior(tmp_path: Path) -> None:
    codec, images = opened(save("autoencoder-kl", tmp_path)), torch.rand(3, 3, 16, 16) * 2 - 1
    vae = AutoencoderKL.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        posterior = vae.encode(images).latent_dist
        noise = torch.randn(posterior.mean.shape)
        torch.testing.assert_close(codec.encode(images), posterior.mean * 0.3)
        torch.testing.assert_close(codec.encode(images, noise), (posterior.mean + posterior.std * noise) * 0.3)
        torch.testing.assert_close(codec.decode(posterior.mean * 0.3), vae.decode(posterior.mean).sample)
    twice = opened(codec.config.model_copy(update={"scale": 0.6}))
    torch.testing.assert_close(twice.encode(images), 2 * codec.encode(images))
    torch.testing.assert_close(twice.decode(twice.encode(images)), codec.decode(codec.encode(images)))


def test_tiny_is_neither_scaled_nor_rounded(tmp_path: Path) -> None:
    """Against diffusers' layers: `forward` rounds latents to 8 bits, so its result is another."""
    codec, images = opened(save("autoencoder-tiny", tmp_path)), torch.rand(2, 3, 16, 16) * 2 - 1
    tiny = AutoencoderTiny.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        latents = tiny.encoder.layers((images + 1) / 2)
        torch.testing.assert_close(codec.encode(images), latents)
        plain = tiny.decoder.layers(torch.tanh(latents / 3) * 3) * 2 - 1
        torch.testing.assert_close(codec.decode(latents), plain)
        assert not torch.equal(tiny(images).sample, plain)


def test_taef2_is_what_its_authors_describe(tmp_path: Path) -> None:
    codec, images = opened(save("taef2", tmp_path)), torch.rand(2, 3, 32, 48) * 2 - 1
    with torch.no_grad():
        expected = described("encoder", taef2("encoder"), (images + 1) / 2)
        torch.testing.assert_close(codec.encode(images), expected, atol=1e-5, rtol=1e-4)
        back = described("decoder", taef2("decoder"), expected) * 2 - 1
        torch.testing.assert_close(codec.decode(expected), back, atol=1e-5, rtol=1e-4)
    assert sum(p.numel() for p in codec.model.parameters()) == 1_338_528 + 1_338_499
    weights = taef2("encoder")
    del weights["12.pool.1.weight"]
    torch.save(weights, tmp_path / "taef2_encoder.pth")
    with pytest.raises(InputError, match="is no taef2"):
        _ = opened(codec.config).model


def test_labels_that_end_in_latents_are_noisy_colours_encoded(tmp_path: Path) -> None:
    codec = opened(save("autoencoder-kl", tmp_path))
    colors = Palette(COLORS, beta=20)
    labels = LatentLabels(colors, codec)
    assert (labels.channels, labels.num_classes) == (4, 4)
    masks = torch.randint(4, (3, 16, 16))
    clean = labels.encode(masks, (4, 4))
    assert torch.equal(clean, colors.encode(masks, (16, 16)))
    uniform = torch.rand(clean.shape)
    torch.testing.assert_close(labels.dequantize(clean, uniform), codec.encode(colors.dequantize(clean, uniform)))
    signal = labels.to_signal(clean)
    assert signal.shape == (3, 4, 4, 4)
    assert torch.equal(labels.decode(signal), colors.decode(codec.decode(signal)))
    assert torch.equal(labels.distances(signal), colors.distances(codec.decode(signal)))
    with pytest.raises(InputError, match="make them equal"):
        labels.encode(masks, (8, 8))


def test_pixels_are_left_as_they_are() -> None:
    x = torch.rand(2, 1, 8, 8)
    assert Pixels().encode(x) is x and Pixels().decode(x) is x and Pixels().shape((1, 8, 8)) == (1, 8, 8)
    masks, colors = torch.randint(4, (2, 8, 8)), Palette(COLORS)
    assert torch.equal(LatentLabels(colors, Pixels()).dequantize(x, x), colors.dequantize(x, x))
    assert torch.equal(LatentLabels(colors, Pixels()).encode(masks, (8, 8)), colors.encode(masks, (8, 8)))


class Seen:
    """An objective that keeps what it is given."""

    def loss(self, network: object, images: Tensor, labels: Tensor, draws: Draws) -> tuple[Tensor, dict[str, Tensor]]:
        self.images = images
        return images.mean(), {}


@pytest.mark.parametrize("sample", [True, False])
def test_an_objective_in_latents_sees_draws_or_modes(sample: bool, tmp_path: Path) -> None:
    codec, images = opened(save("autoencoder-kl", tmp_path)), torch.rand(2, 3, 16, 16)
    seen, labels = Seen(), torch.zeros(2, 16, 16, dtype=torch.long)
    InLatents(seen, codec, sample).loss(nn.Identity(), images, labels, Draws(0, ["a", "b"]))
    assert torch.equal(seen.images, codec.encode(images)) is not sample
    first = seen.images
    InLatents(seen, codec, sample).loss(nn.Identity(), images[:1], labels[:1], Draws(0, ["a"]))
    torch.testing.assert_close(seen.images, first[:1])  # whatever else is in the batch


def test_a_codec_needs_weights() -> None:
    with pytest.raises(ValueError, match="needs weights"):
        LatentsConfig(codec="taef2")
