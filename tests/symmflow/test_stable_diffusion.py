"""Stable Diffusion's U-Net: its size, its added channels, its prompt."""

from __future__ import annotations

import pytest
import torch

from symmbench.symmflow.errors import InputError
from symmbench.symmflow.networks import build_network, parameter_count
from symmbench.symmflow.recipe import NetworkConfig
from symmbench.symmflow.stable_diffusion import StableDiffusionUNet, load_pretrained, set_prompt, widened

SD21 = NetworkConfig(
    kind="sd-unet", channels=320, multipliers=(1, 2, 4, 4), depth=2, heads=(5, 10, 20, 20), context=1024,
    linear_projection=True,
)  # fmt: skip
SD15 = NetworkConfig(kind="sd-unet", channels=320, multipliers=(1, 2, 4, 4), depth=2, heads=(8,), context=768)
TINY = NetworkConfig(kind="sd-unet", channels=8, multipliers=(1, 2), depth=1, heads=(2,), context=12, tokens=7)


def network(
    config: NetworkConfig, in_channels: int, out_channels: int, classes: int | None = None
) -> StableDiffusionUNet:
    made = build_network(config, in_channels=in_channels, out_channels=out_channels, size=(8, 8), num_classes=classes)
    assert isinstance(made, StableDiffusionUNet)
    return made


@pytest.mark.parametrize(
    ("config", "channels", "parameters"),
    [
        (SD21, (8, 8), 865_933_768),
        (SD21, (4, 4), 865_910_724),
        (SD15, (4, 4), 859_520_964),
        (SD15, (8, 4), 859_532_484),
    ],
)
def test_parameter_counts_of_the_papers(config: NetworkConfig, channels: tuple[int, int], parameters: int) -> None:
    with torch.device("meta"):
        assert parameter_count(network(config, *channels)) == parameters


@pytest.fixture
def pretrained() -> StableDiffusionUNet:
    torch.manual_seed(0)
    return network(TINY, 4, 4)


@pytest.mark.parametrize(("ins", "outs"), [(8, 8), (8, 4)])
def test_preserving_begins_with_the_pretrained_output(pretrained: StableDiffusionUNet, ins: int, outs: int) -> None:
    wide = network(TINY, ins, outs)
    load_pretrained(wide, pretrained.unet.state_dict(), "preserving")
    set_prompt(wide, pretrained.prompt, pretrained.prompt_ids)
    z, t = torch.randn(2, ins, 8, 8), torch.rand(2)
    out = wide(z, t)
    torch.testing.assert_close(out[:, :4], pretrained(z[:, :4], t))
    assert not out[:, 4:].any()


def test_copies_are_neither_halved_nor_scaled(pretrained: StableDiffusionUNet) -> None:
    wide = network(TINY, 8, 8)
    load_pretrained(wide, pretrained.unet.state_dict(), "copy")
    z, t = torch.randn(2, 4, 8, 8), torch.rand(2)
    both = torch.cat([z, torch.zeros_like(z)], dim=1)
    out = wide(both, t)
    torch.testing.assert_close(out[:, :4], pretrained(z, t))  # the second half of zeros adds nothing
    assert torch.equal(out[:, :4], out[:, 4:])
    torch.testing.assert_close(wide(both.roll(4, dims=1), t), out)


def test_only_the_two_ends_change_whatever_else_has_as_many_channels() -> None:
    weights = {"conv_in.weight": torch.rand(4, 4, 3, 3), "conv_out.weight": torch.rand(4, 4, 3, 3)}
    weights |= {"conv_out.bias": torch.rand(4), "mid.weight": torch.rand(4, 4, 3, 3)}
    found = widened(weights, 8, 8, "copy")
    assert found["conv_in.weight"].shape == (4, 8, 3, 3) and found["conv_out.weight"].shape == (8, 4, 3, 3)
    assert found["conv_out.bias"].shape == (8,) and found["mid.weight"] is weights["mid.weight"]


def test_another_unet_is_refused_by_the_first_weight_that_differs(pretrained: StableDiffusionUNet) -> None:
    weights = dict(pretrained.unet.state_dict())
    other = network(TINY.model_copy(update={"context": 16}), 8, 8)
    with pytest.raises(InputError, match=r"attn2\.to_k\.weight is \[\d+, 12\] in it and \[\d+, 16\]"):
        load_pretrained(other, weights, "copy")
    del weights["conv_in.bias"]
    with pytest.raises(InputError, match=r"it has no conv_in\.bias"):
        load_pretrained(network(TINY, 8, 8), weights, "copy")
    with pytest.raises(InputError, match=r"no conv_in\.weight"):
        load_pretrained(pretrained, {"bias": torch.zeros(1)}, "copy")


def test_time_is_scaled_as_the_recipe_says(pretrained: StableDiffusionUNet) -> None:
    plain = network(TINY.model_copy(update={"time_scale": 1.0}), 4, 4)
    plain.load_state_dict(pretrained.state_dict())
    z, t = torch.randn(2, 4, 8, 8), torch.rand(2)
    torch.testing.assert_close(pretrained(z, t), pretrained.unet(z, 1000 * t, pretrained.prompt.expand(2, -1, -1))[0])
    torch.testing.assert_close(plain(z, t), pretrained.unet(z, t, pretrained.prompt.expand(2, -1, -1))[0])
    assert not torch.allclose(plain(z, t), pretrained(z, t))


def test_the_prompt_is_kept_with_the_weights_and_is_heard(pretrained: StableDiffusionUNet) -> None:
    z, t = torch.randn(1, 4, 8, 8), torch.rand(1)
    before, ids = pretrained(z, t), torch.arange(7)[None]
    set_prompt(pretrained, torch.randn(1, 7, 12), ids)
    assert not torch.allclose(pretrained(z, t), before)
    other = network(TINY, 4, 4)
    other.load_state_dict(pretrained.state_dict())
    assert torch.equal(other.prompt_ids, ids) and torch.equal(other(z, t), pretrained(z, t))
    with pytest.raises(InputError, match=r"\[1, 77, 12\].*\[1, 7, 12\]"):
        set_prompt(pretrained, torch.zeros(1, 77, 12), ids)


def test_classes_are_told_and_heads_are_counted() -> None:
    told = network(TINY, 4, 4, classes=3)
    z, t = torch.randn(1, 4, 8, 8), torch.rand(1)
    assert not torch.allclose(told(z, t, torch.tensor([0])), told(z, t, torch.tensor([2])))
    with pytest.raises(InputError, match=r"network\.heads has 3 numbers; give one, or 2"):
        network(TINY.model_copy(update={"heads": (1, 2, 4)}), 4, 4)
