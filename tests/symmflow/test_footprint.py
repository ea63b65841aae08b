"""What a network would take: closed forms of small ones, PyTorch's own count, and Stable Diffusion's size."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from symmbench import datasets, methods
from symmbench.methods.parts.latents import image_codec, space
from symmbench.symmflow.autoencoders import Autoencoder
from symmbench.symmflow.footprint import Footprint, example, footprint
from symmbench.symmflow.networks import build_network
from symmbench.symmflow.recipe import NetworkConfig
from symmbench.symmflow.train.budget import evaluation

GIB = 2**30


def of(config: NetworkConfig, image: tuple[int, ...], precision: str = "fp32", **more: Any) -> Footprint:
    def make() -> nn.Module:
        channels = image[0]
        return build_network(config, in_channels=channels, out_channels=channels, size=image[1:], **more)

    return footprint(make, lambda network: network(*example(network, image)), precision, backward=True)


def test_a_perceptron_in_closed_form() -> None:
    """A linear layer keeps its input, SiLU its own; the weights belong to nobody's backward pass."""
    width, depth, dim = 96, 3, 2
    found = of(NetworkConfig(kind="mlp", channels=width, depth=depth, time_frequencies=5), (dim,))
    entering = dim + 1 + 2 * 5
    products = entering * width + (depth - 1) * width**2 + width * dim
    assert found.parameters == products + depth * width + dim and found.weights == 4 * found.parameters
    assert found.flops == 2 * products
    assert found.kept == 4 * (entering + 2 * depth * width)
    assert found.cast == 0 and found.checkpointed is None and found.again == 0


def test_a_convolution_under_autocast_in_closed_form() -> None:
    """Its fp32 input is kept in bf16, and so is the copy of its weights, which is none of the activations."""

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 5, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(self.first(x))

    found = footprint(Two, lambda network: network(*example(network, (3, 10, 12))), "bf16", backward=True)
    assert found.kept == 2 * 10 * 12 * (3 + 8)
    assert found.cast == 2 * found.parameters == 2 * (3 * 8 * 9 + 8 + 8 * 5 + 5)
    assert found.flops == 2 * 10 * 12 * (3 * 8 * 9 + 8 * 5)
    alone = footprint(Two, lambda network: network(*example(network, (3, 10, 12))), "fp32", backward=False)
    # input, what the first makes, what the second makes
    assert alone.kept == alone.cast == 0 and alone.peak == 4 * 10 * 12 * (3 + 8 + 5)


@pytest.mark.parametrize("classes", [None, 7])
def test_flops_are_those_that_pytorch_counts(classes: int | None) -> None:
    config = NetworkConfig(channels=16, multipliers=(1, 2), depth=1, attention=(8,), patch=2)
    found = of(config, (3, 16, 16), num_classes=classes)
    network = build_network(config, in_channels=3, out_channels=3, size=(16, 16), num_classes=classes)
    given = (torch.randn(1, 3, 16, 16), torch.rand(1), *([torch.tensor([3])] if classes else []))
    with FlopCounterMode(display=False) as counter:
        network(*given)
    assert found.flops == counter.get_total_flops()
    assert found.parameters == sum(p.numel() for p in network.parameters())


def test_twice_the_channels_are_four_times_the_weights_and_twice_the_activations() -> None:
    narrow, wide = (
        of(
            NetworkConfig(channels=channels, multipliers=(1, 2), depth=1, attention=(16,), head_channels=32),
            (3, 32, 32),
        )
        for channels in (64, 128)
    )
    assert wide.parameters / narrow.parameters == pytest.approx(4, rel=0.05)
    assert wide.flops / narrow.flops == pytest.approx(4, rel=0.05)
    assert wide.kept / narrow.kept == pytest.approx(2, rel=0.05)
    assert narrow.checkpointed and wide.checkpointed
    assert wide.checkpointed / narrow.checkpointed == pytest.approx(2, rel=0.05)
    assert wide.checkpointed + wide.again < 0.7 * wide.kept


def test_attention_keeps_no_matrix() -> None:
    """Four times the positions keep four times as much; a matrix of them would be sixteen times as large."""
    small, large = (
        of(NetworkConfig(channels=32, multipliers=(1,), depth=1, attention=(side,)), (3, side, side), "bf16")
        for side in (16, 32)
    )
    assert large.kept / small.kept == pytest.approx(4, rel=0.01)


# Parameters, and TFLOP of a forward pass as PyTorch's counter has them on the meta device; those of the second were
# counted with 8 channels in and out, of which the recipe has 4.
SIZES = {
    "celebamask-hq/symmflow": (865_933_768, 0.804446208),
    "coco-stuff/semflow": (859_520_964, 0.80346218496 - 2 * 2 * (64 * 64 * 4 * 320 * 9) / 1e12),
}
# GiB of saved tensors of the first, counted apart from this code under autocast in bf16, without attention's matrices,
# diffusers 0.42.1, torch 2.15.0: an image of 64x64 latents, and one of 64x128 whose blocks are computed again.
KEPT, WIDE_CHECKPOINTED, CAST = 1.07, 0.342, 1.56


@pytest.mark.parametrize("name", SIZES)
def test_stable_diffusions_size(name: str) -> None:
    parameters, tera = SIZES[name]
    recipe = methods.recipe(name)
    kind, card = methods.method(recipe.method), datasets.card(recipe.dataset)
    shape = space(recipe, card)
    found = footprint(
        lambda: kind.network(recipe, card), lambda network: network(*example(network, shape)), "bf16", backward=True
    )
    assert found.parameters == parameters
    assert found.flops / 1e12 == pytest.approx(tera, rel=1e-6)
    assert found.kept / GIB == pytest.approx(KEPT, rel=0.1)
    assert found.cast / GIB == pytest.approx(CAST, rel=0.1)
    assert found.checkpointed and 2 * found.checkpointed / GIB == pytest.approx(WIDE_CHECKPOINTED, rel=0.1)


@pytest.mark.parametrize(
    ("latents", "tera", "gib"),
    [
        ({"codec": "autoencoder-kl", "weights": "sd-vae-ft-mse"}, 1.116658466816, 0.312),
        ({"codec": "autoencoder-tiny", "weights": "taesd"}, 0.122324779008, 0.009),
    ],
)
def test_autoencoders_whose_weights_are_not_here(latents: dict[str, str], tera: float, gib: float) -> None:
    overrides = {f"latents.{key}": value for key, value in latents.items()}
    codec = image_codec(methods.recipe("celebamask-hq/symmflow", overrides).latents)
    assert isinstance(codec, Autoencoder)
    found = codec.encoding((3, 512, 512), "bf16")
    assert found.flops / 1e12 == pytest.approx(tera, rel=0.001)
    assert found.weights / GIB == pytest.approx(gib, rel=0.1)
    assert found.kept == 0 < found.peak


def test_an_evaluation_at_512_fits_on_a_card_of_24_gb() -> None:
    """In fp32, 64 images at once: the weights of both networks, and decoding in chunks, are most of it."""
    recipe = methods.recipe("celebamask-hq/symmflow")
    kind, card = methods.method(recipe.method), datasets.card(recipe.dataset)
    shape, codec = space(recipe, card), image_codec(recipe.latents)
    assert isinstance(codec, Autoencoder)
    network = footprint(
        lambda: kind.network(recipe, card), lambda network: network(*example(network, shape)), backward=False
    )
    decoding = codec.decoding(card.shape)
    assert decoding.flops / 1e12 == pytest.approx(2.514518933504, rel=0.001)
    one, all_at_once = (evaluation(network, decoding, 64, chunk) for chunk in (recipe.latents.chunk, 64))
    assert network.weights + decoding.weights < one < 0.75 * 24e9 < 24e9 < all_at_once
