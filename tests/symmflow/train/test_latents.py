"""Latents that are encoded once: the training is the one that encodes in every step."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL

from symmbench.symmflow.autoencoders import KLAutoencoder
from symmbench.symmflow.labels import Palette
from symmbench.symmflow.latents import InLatents, LatentLabels
from symmbench.symmflow.locks import acquire
from symmbench.symmflow.networks import build_network
from symmbench.symmflow.objective import SymmFlowObjective
from symmbench.symmflow.path import SymmetricPath
from symmbench.symmflow.recipe import LatentsConfig, Recipe
from symmbench.symmflow.train import CachedLatents, Trainer, latents
from symmbench.symmflow.train.latents import not_cached

COLORS = ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0))


class Colours:
    """Ten images of 16x16 whose two halves are the two classes."""

    reads = 0

    def __len__(self) -> int:
        return 10

    def batch(self, index: np.ndarray) -> SimpleNamespace:
        self.reads += len(index)
        masks = np.zeros((len(index), 16, 16), dtype=np.int64)
        images = []
        for row, i in enumerate(index):
            masks[row, :, int(i) :] = 1
            images.append(np.random.default_rng(int(i)).uniform(-1, 1, (3, 16, 16)).astype(np.float32))
        return SimpleNamespace(ids=[f"s{i}" for i in index], images=np.stack(images), labels=masks)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vae")
    torch.manual_seed(0)
    AutoencoderKL(
        block_out_channels=(8, 8), down_block_types=["DownEncoderBlock2D"] * 2, layers_per_block=1,
        up_block_types=["UpDecoderBlock2D"] * 2, latent_channels=4, norm_num_groups=4,
    ).save_pretrained(folder)  # fmt: skip
    return folder


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four samples, so that ten make three."""
    monkeypatch.setattr(latents, "SHARD", 4)


@pytest.fixture
def codec(weights: Path) -> KLAutoencoder:
    config = LatentsConfig(codec="autoencoder-kl", weights=str(weights), channels=4, factor=2, chunk=4)
    return KLAutoencoder(config, lambda: weights)


@pytest.fixture
def cache(codec: KLAutoencoder, tmp_path: Path) -> Callable[..., CachedLatents]:
    def made(**how: Any) -> CachedLatents:
        return CachedLatents(Colours(), codec, tmp_path / "latents", codec.moments_shape((3, 16, 16)), **how)

    return made


def fill(cache: CachedLatents) -> CachedLatents:
    cache.fill("cpu", lambda: torch.autocast("cpu", enabled=False))
    return cache


def trained(out: Path, recipe: Recipe, codec: KLAutoencoder, data: Any, **how: Any) -> list[str]:
    """The rows of the log."""
    torch.manual_seed(0)
    network = build_network(recipe.network, in_channels=8, out_channels=8, size=(8, 8))
    inner = SymmFlowObjective(LatentLabels(Palette(COLORS, beta=10), codec), SymmetricPath())
    objective = InLatents(inner, codec, sample=True, encoded=isinstance(data, CachedLatents))
    Trainer(recipe, network, objective, data, out, device="cpu", **how).train(max_steps=6)
    return (out / "checkpoint/training.csv").read_text().splitlines()


@pytest.mark.parametrize(
    ("precision", "flip", "workers"), [("fp32", 0.0, 0), ("fp32", 0.5, 2), ("bf16", 0.5, 0), ("fp32", 1.0, 0)]
)
def test_cached_latents_give_the_losses_of_the_plain_run(
    precision: str, flip: float, workers: int, codec: KLAutoencoder, cache: Any, recipe: Any, tmp_path: Path
) -> None:
    """Draws from the posterior, both orientations, half precision: to the six digits of the log, 1e-5 at worst, since
    the autoencoder sees an image among others there and here."""
    chosen = recipe(precision=precision, log_every=1)
    chosen = chosen.model_copy(update={"data": chosen.data.model_copy(update={"flip": flip})})
    plain = trained(tmp_path / "plain", chosen, codec, Colours())
    kept = trained(tmp_path / "kept", chosen, codec, cache(precision=precision, flips=flip > 0), workers=workers)
    assert plain[0] == kept[0] and len(plain) == len(kept) == 7
    for one, other in zip(plain[1:], kept[1:], strict=True):
        np.testing.assert_allclose(*([float(v) for v in row.split(",")] for row in (one, other)), rtol=1e-5)


def test_what_is_kept_is_what_the_autoencoder_says(codec: KLAutoencoder, cache: Any) -> None:
    found = fill(cache(flips=True))
    images = torch.from_numpy(Colours().batch(np.arange(10)).images)
    ways = torch.tensor([True, False] * 5)
    turned = torch.where(ways[:, None, None, None], images.flip(-1), images)
    torch.testing.assert_close(found.moments(range(10), ways), codec.moments(turned), rtol=1e-5, atol=1e-5)
    noise = torch.randn(10, 4, 8, 8)
    expected = codec.encode(turned, noise)
    torch.testing.assert_close(codec.drawn(found.moments(range(10), ways), noise), expected, rtol=1e-5, atol=1e-5)
    size = sum(file.stat().st_size for file in found.folder.iterdir())
    assert 0 <= size - found.size <= 128 * len(found.files)  # and a header a file
    assert {file.name for file in found.folder.iterdir()} >= {"00002.npy", "00002-flipped.npy"}


def test_what_is_there_is_not_encoded_again_and_what_is_cut_is(cache: Any) -> None:
    told: list[tuple[int, int]] = []
    found = fill(cache(report=lambda *now: told.append(now)))
    assert told[-1] == (10, 10) and found.data.reads == 12  # the last batch is as large as the others
    again = fill(cache())
    assert again.data.reads == 0 and again.missing == []
    path = found.folder / "00001.npy"
    path.write_bytes(path.read_bytes()[:-1])
    assert again.missing == [(1, False)]
    before = (found.folder / "00000.npy").stat().st_mtime_ns
    assert fill(cache()).data.reads == 4 and (found.folder / "00000.npy").stat().st_mtime_ns == before
    flipped = cache(flips=True)  # those that are there serve a recipe that flips too
    assert flipped.missing == [(0, True), (1, True), (2, True)]


def test_a_file_that_another_process_makes_is_waited_for(cache: Any) -> None:
    found = cache()
    lock = acquire(found.folder / "00001.lock")
    assert lock
    filling = threading.Thread(target=fill, args=(found,))
    filling.start()
    until = time.monotonic() + 30
    while found.missing != [(1, False)] and time.monotonic() < until:
        time.sleep(0.01)
    assert found.missing == [(1, False)] and filling.is_alive()
    lock.release()  # it died: the file is not there
    filling.join(timeout=30)
    assert not filling.is_alive() and found.missing == [] and found.data.reads == 12


def test_recipes_that_move_their_images_are_not_cached(recipe: Any) -> None:
    def why(**data: Any) -> str:
        values = recipe().model_dump() | {"data": data}
        return not_cached(Recipe.model_validate(values | {"latents": {"codec": "taef2", "weights": "x"}}))

    assert why() == why(flip=0.5) == why(size=64, crop="by-id") == ""
    assert why(rotate=5.0) == "each step moves its images anew (data.rotate)"
    assert not_cached(recipe()) == "its network sees pixels"
