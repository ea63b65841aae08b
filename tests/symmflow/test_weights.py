"""Weights of others are read within bounds, and what is no file of weights is refused in a sentence."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderTiny
from safetensors.torch import save_file

from symmbench.symmflow.autoencoders import KINDS
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.networks import parameters_of, weightless
from symmbench.symmflow.recipe import LatentsConfig, NetworkConfig
from symmbench.symmflow.stable_diffusion import StableDiffusionUNet
from symmbench.symmflow.weights import digest, read_weights

INDEX = "diffusion_pytorch_model.safetensors.index.json"


def test_an_index_leads_to_its_files_and_nowhere_else(tmp_path: Path) -> None:
    for i in range(2):
        save_file({f"w{i}": torch.full((2,), float(i))}, tmp_path / f"part-{i}.safetensors")
    index = tmp_path / INDEX
    index.write_text(json.dumps({"weight_map": {f"w{i}": f"../elsewhere/part-{i}.safetensors" for i in range(2)}}))
    assert {name: value.tolist() for name, value in read_weights(tmp_path).items()} == {"w0": [0, 0], "w1": [1, 1]}
    for said in ({"weight_map": {"w0": INDEX}}, {"weight_map": {"w0": 3}}, {"weight_map": []}, [], {}):
        index.write_text(json.dumps(said))
        with pytest.raises(InputError, match="is no index of weights"):
            read_weights(tmp_path)


def test_the_digest_is_of_all_files_that_are_read(tmp_path: Path) -> None:
    for i in range(2):
        save_file({f"w{i}": torch.full((2,), float(i))}, tmp_path / f"part-{i}.safetensors")
    parts = [tmp_path / f"part-{i}.safetensors" for i in range(2)]
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": {f"w{i}": parts[i].name for i in range(2)}}))
    each = [hashlib.sha256(part.read_bytes()).hexdigest() for part in parts]
    assert digest(parts[0]) == each[0]
    said = "".join(f"{part.name} {own}\n" for part, own in zip(parts, each, strict=True))
    assert digest(tmp_path) == hashlib.sha256(said.encode()).hexdigest()
    save_file({"w1": torch.full((2,), 7.0)}, parts[1])
    assert digest(tmp_path) != hashlib.sha256(said.encode()).hexdigest()


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80\x02.", b"(lp0\n.", b"\x80\x02]q\x00(K\x01e.", b"weights" * 99])
def test_what_is_no_file_of_weights_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    for name in ("any.pt", "any.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"any{Path(name).suffix}") as refused:
            read_weights(tmp_path / name)
        assert "\n" not in str(refused.value) and len(str(refused.value)) < 500


def test_a_file_that_would_grow_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "grows.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("grows/data.pkl", bytes(1 << 20))
    with pytest.raises(InputError, match="would unpack to 1,048,576 bytes"):
        read_weights(tmp_path / "grows.pt")


def test_a_configuration_of_more_than_its_weights_hold_builds_nothing(tmp_path: Path) -> None:
    AutoencoderTiny(
        encoder_block_out_channels=(8, 8), decoder_block_out_channels=(8, 8), num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
    ).save_pretrained(tmp_path)  # fmt: skip
    config = tmp_path / "config.json"
    said = json.loads(config.read_text())
    wide = [1 << 15] * 2
    config.write_text(json.dumps(said | {"encoder_block_out_channels": wide, "decoder_block_out_channels": wide}))
    codec = KINDS["autoencoder-tiny"](
        LatentsConfig(codec="autoencoder-tiny", weights=str(tmp_path), channels=4, factor=2), lambda: tmp_path
    )
    with pytest.raises(InputError, match=r"is of \d+,\d{3},\d{3},\d{3} parameters, and its weights are"):
        _ = codec.model
    config.write_text("[]")
    with pytest.raises(InputError, match="holds no values by name"):
        _ = codec.model


def test_a_network_beyond_every_machine_is_refused_before_it_is_numbered() -> None:
    config = NetworkConfig(kind="sd-unet", channels=2**16, multipliers=(2**16,), heads=(1,))
    with pytest.raises(InputError, match="more weights than any machine"):
        weightless(lambda: StableDiffusionUNet(config, 4, 4, (8, 8)))
    assert parameters_of(lambda: StableDiffusionUNet(config, 4, 4, (8, 8))) == 2**60


@pytest.mark.parametrize("place", [" ", "a\x1b[2J", "x" * 5000])
def test_no_place_steers_the_terminal(place: str) -> None:
    with pytest.raises(ValueError, match="names no folder and no model"):
        LatentsConfig(codec="taef2", weights=place)
