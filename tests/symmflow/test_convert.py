"""Published state dicts by our names: key lists of the four formats, and the pixel network against its description."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as f

from symmbench import methods
from symmbench.symmflow.convert import guided_diffusion, to_ours
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.networks import UNet, build_network
from symmbench.symmflow.recipe import NetworkConfig

OFFICIAL = Path(__file__).parents[1] / "fixtures" / "official"


def listed(name: str) -> dict[str, Tensor]:
    """Weights of exactly the published keys and shapes, which take no memory."""
    path = OFFICIAL / f"keys_{name}.tsv"
    text = path.read_text() if path.exists() else gzip.decompress((OFFICIAL / f"{path.name}.gz").read_bytes()).decode()
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return {row[0]: torch.empty(json.loads(row[1]), device="meta") for row in rows}


def built(config: NetworkConfig, channels: int, size: int) -> nn.Module:
    with torch.device("meta"):
        return build_network(config, in_channels=channels, out_channels=channels, size=(size, size))


def network(name: str) -> nn.Module:
    sd = {"kind": "sd-unet", "channels": 320, "multipliers": (1, 2, 4, 4), "depth": 2}
    pixel = methods.recipe("mnist/symmflow[official]").network
    match name:
        case "symmflow_pixel_mnist":
            return built(pixel, 2, 32)
        case "symmflow_pixel_cifar-10":
            return built(pixel.model_copy(update={"channels": 256}), 4, 32)
        case "symmflow_sd21_8ch":
            more = {"heads": (5, 10, 20, 20), "context": 1024, "linear_projection": True}
            return built(NetworkConfig.model_validate(sd | more), 8, 64)
        case _:
            return built(NetworkConfig.model_validate(sd), 4, 64)


NAMES = ["symmflow_pixel_mnist", "symmflow_pixel_cifar-10", "symmflow_sd21_8ch", "semflow_sd15_4ch"]


@pytest.fixture(scope="module", params=NAMES)
def published(request: pytest.FixtureRequest) -> tuple[dict[str, Tensor], nn.Module]:
    return listed(request.param), network(request.param)


def test_published_state_dicts_fill_the_network_and_one_weight_off_is_named(
    published: tuple[dict[str, Tensor], nn.Module],
) -> None:
    weights, ours = published
    wanted = {n: v.shape for n, v in ours.state_dict().items() if n.startswith("unet.")}
    assert {n: v.shape for n, v in to_ours(weights, ours).items()} == wanted
    assert sum(v.numel() for v in weights.values()) == sum(math.prod(shape) for shape in wanted.values())
    victim = sorted(weights)[len(weights) // 2]
    with pytest.raises(InputError, match=rf"it has no {victim}\.$"):
        to_ours({n: v for n, v in weights.items() if n != victim}, ours)
    with pytest.raises(InputError, match=rf"{victim} is \[3, 5\] in it"):
        to_ours(weights | {victim: torch.empty(3, 5, device="meta")}, ours)
    first = next(iter(weights)).split(".")[0]
    with pytest.raises(InputError, match=rf"the network has no {first}\.other"):
        to_ours(weights | {f"{first}.other": torch.empty(1)}, ours)


def test_the_diffusers_key_list_agrees_with_the_rules() -> None:
    """The published list says which of ours each becomes."""
    rows = [r.split("\t") for r in (OFFICIAL / "keys_symmflow_pixel_mnist.tsv").read_text().splitlines() if r[0] != "#"]
    told = {key: target for key, _, target in rows}
    made = network("symmflow_pixel_mnist")
    assert isinstance(made, UNet)
    rules = {rule.theirs: rule for rule in guided_diffusion(made)}
    assert set(rules) == set(told)
    for key, target in told.items():
        if ".qkv." in key:
            assert rules[key].ours[1].replace("to_k", "to_{q,k,v}") == target.partition(" ")[0] and rules[key].heads
        else:
            assert rules[key].ours == (target,) and rules[key].heads is None


def described(w: Mapping[str, Tensor], z: Tensor, t: Tensor, levels: int, depth: int, heads: int) -> Tensor:
    """Guided Diffusion's U-Net as SymmFlow's authors changed it: time is added, q, k and v are packed head by head."""
    channels = w["input_blocks.0.0.weight"].shape[0]
    frequencies = torch.exp(-math.log(10_000) * torch.arange(channels // 2) / (channels // 2))
    waves = t[:, None] * frequencies
    emb = f.linear(torch.cat([waves.cos(), waves.sin()], 1), w["time_embed.0.weight"], w["time_embed.0.bias"])
    emb = f.linear(f.silu(emb), w["time_embed.2.weight"], w["time_embed.2.bias"])

    def norm(name: str, x: Tensor) -> Tensor:
        return f.group_norm(x, 32, w[f"{name}.weight"], w[f"{name}.bias"])

    def conv(name: str, x: Tensor, **how: Any) -> Tensor:
        return f.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **how)

    def residual(name: str, x: Tensor) -> Tensor:
        h = conv(f"{name}.in_layers.2", f.silu(norm(f"{name}.in_layers.0", x)), padding=1)
        h = (
            h
            + f.linear(f.silu(emb), w[f"{name}.emb_layers.1.weight"], w[f"{name}.emb_layers.1.bias"])[:, :, None, None]
        )
        h = conv(f"{name}.out_layers.3", f.silu(norm(f"{name}.out_layers.0", h)), padding=1)
        return h + (conv(f"{name}.skip_connection", x) if f"{name}.skip_connection.weight" in w else x)

    def attention(name: str, x: Tensor) -> Tensor:
        flat = x.flatten(2)  # [B, C, L]
        packed = f.conv1d(norm(f"{name}.norm", flat), w[f"{name}.qkv.weight"], w[f"{name}.qkv.bias"])
        b, width, length = packed.shape
        q, k, v = packed.reshape(b * heads, width // heads, length).split(width // 3 // heads, dim=1)
        weight = torch.einsum("bct,bcs->bts", q, k) / math.sqrt(width // 3 // heads)
        mixed = torch.einsum("bts,bcs->bct", weight.softmax(-1), v).reshape(b, -1, length)
        out = f.conv1d(mixed, w[f"{name}.proj_out.weight"], w[f"{name}.proj_out.bias"])
        return (flat + out).reshape(x.shape)

    def block(name: str, x: Tensor) -> Tensor:
        x = residual(f"{name}.0", x)
        return attention(f"{name}.1", x) if f"{name}.1.qkv.weight" in w else x

    kept, number = [conv("input_blocks.0.0", z, padding=1)], 1
    for level in range(levels):
        for _ in range(depth):
            kept.append(block(f"input_blocks.{number}", kept[-1]))
            number += 1
        if level < levels - 1:
            kept.append(conv(f"input_blocks.{number}.0.op", kept[-1], stride=2, padding=1))
            number += 1
    x = residual("middle_block.0", kept[-1])
    x = residual("middle_block.2", attention("middle_block.1", x))
    number = 0
    for level in range(levels):
        for i in range(depth + 1):
            name = f"output_blocks.{number}"
            x = block(name, torch.cat([x, kept.pop()], dim=1))
            if level < levels - 1 and i == depth:
                last = next(n for n in (f"{name}.2.conv", f"{name}.1.conv") if f"{n}.weight" in w)
                x = conv(last, f.interpolate(x, scale_factor=2, mode="nearest"), padding=1)
            number += 1
    return conv("out.2", f.silu(norm("out.0", x)), padding=1)


@pytest.mark.parametrize("attention", [(), (8,)])
def test_the_official_pixel_network_gives_the_output_of_ours_after_import(attention: tuple[int, ...]) -> None:
    config = methods.recipe("mnist/symmflow[official]").network.model_copy(
        update={"multipliers": (1, 2, 2), "head_channels": 16, "attention": attention}
    )
    ours = build_network(config, in_channels=2, out_channels=2, size=(16, 16))
    assert isinstance(ours, UNet)
    torch.manual_seed(0)
    weights = {rule.theirs: 0.1 * torch.randn(rule.shape) for rule in guided_diffusion(ours)}
    assert any(rule.heads == 4 for rule in guided_diffusion(ours))
    ours.load_state_dict(to_ours(weights, ours))
    z, t = torch.randn(3, 2, 16, 16), torch.rand(3)
    with torch.no_grad():
        torch.testing.assert_close(ours(z, t), described(weights, z, t, 3, 2, heads=4), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.model_copy(update={"middle_norm": False, "time": "scale-shift"}), "no norm in its middle"),
        (lambda c: c.model_copy(update={"kind": "sd-unet", "heads": (2,)}), "weights of a pixel U-Net"),
        (lambda c: c.model_copy(update={"time": "scale-shift"}), r"emb_layers.1.weight is \[32, 128\] in it and \[64,"),
    ],
)
def test_recipes_of_other_networks_are_refused(change: Callable[[NetworkConfig], NetworkConfig], said: str) -> None:
    config = methods.recipe("mnist/symmflow[official]").network
    with pytest.raises(InputError, match=said):
        to_ours(listed("symmflow_pixel_mnist"), built(change(config), 2, 32))
    with pytest.raises(InputError, match="no published format is known of a Linear"):
        to_ours(listed("symmflow_pixel_mnist"), nn.Linear(1, 1))
