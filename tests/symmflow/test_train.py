import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from symmbench.symmflow.checkpoint import open_checkpoint
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.labels import ClassMap, Palette
from symmbench.symmflow.networks import build_network
from symmbench.symmflow.noise import Draws
from symmbench.symmflow.objective import SymmFlowObjective
from symmbench.symmflow.path import SymmetricPath
from symmbench.symmflow.recipe import DataConfig, Recipe
from symmbench.symmflow.train.loop import Progress, Trainer, augment, learning_rate

COLORS = ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0))


class Blobs:
    """Twelve images whose two halves are the two classes."""

    def __len__(self) -> int:
        return 12

    def batch(self, index: np.ndarray) -> SimpleNamespace:
        masks = np.zeros((len(index), 8, 8), dtype=np.int64)
        for row, i in enumerate(index):
            masks[row, :, int(i) % 8 :] = 1
        return SimpleNamespace(
            ids=[f"s{i}" for i in index], images=(2.0 * masks[:, None] - 1).astype(np.float32), labels=masks
        )


def recipe(**train: object) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "test/blobs",
            "method": "symmflow",
            "dataset": "blobs",
            "network": {
                "channels": 8,
                "multipliers": [1, 2],
                "depth": 1,
                "attention": [],
                "head_channels": 8,
                "dropout": 0.1,
            },
            "optimizer": {"lr": 1e-3, "clip": 1.0},
            "schedule": {"steps": 20, "warmup": 2},
            "train": {"batch": 4, "ema": 0.9, "checkpoint_every": 5, "log_every": 5} | train,
        }
    )


def trainer(out: Path, chosen: Recipe, **options: object) -> Trainer:
    torch.manual_seed(0)
    network = build_network(chosen.network, in_channels=4, out_channels=4, size=(8, 8))
    objective = SymmFlowObjective(Palette(COLORS, beta=10), SymmetricPath())
    return Trainer(chosen, network, objective, Blobs(), out, device="cpu", **options)  # type: ignore[arg-type]


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "checkpoint" / "weights.safetensors")


@pytest.mark.parametrize("train", [{}, {"accumulate": 2}, {"precision": "bf16"}])
def test_twenty_steps_equal_ten_and_ten_more_bit_for_bit(tmp_path: Path, train: dict[str, object]) -> None:
    chosen = recipe(**train)
    trainer(tmp_path / "whole", chosen).train()
    trainer(tmp_path / "parts", chosen).train(max_steps=10)
    torch.manual_seed(999)  # whatever happened in between must not matter
    trainer(tmp_path / "parts", chosen).train()
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert whole.keys() == parts.keys() and all(torch.equal(whole[k], parts[k]) for k in whole)
    assert (tmp_path / "whole/checkpoint/training.csv").read_text() == (
        tmp_path / "parts/checkpoint/training.csv"
    ).read_text()


def test_workers_see_the_same_batches(tmp_path: Path) -> None:
    chosen = recipe()
    trainer(tmp_path / "none", chosen).train(max_steps=4)
    trainer(tmp_path / "two", chosen, workers=2).train(max_steps=4)
    a, b = weights(tmp_path / "none"), weights(tmp_path / "two")
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_an_interrupt_saves_and_the_next_call_goes_on(tmp_path: Path) -> None:
    import os
    import signal

    chosen = recipe()

    def stop(progress: Progress) -> None:
        if progress.step == 7:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="after step 7"):
        trainer(tmp_path / "cut", chosen, report=stop).train()
    seen: list[int] = []
    trainer(tmp_path / "cut", chosen, report=lambda p: seen.append(p.step)).train()
    trainer(tmp_path / "whole", chosen).train()
    assert seen[0] == 8
    a, b = weights(tmp_path / "cut"), weights(tmp_path / "whole")
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_training_learns(tmp_path: Path) -> None:
    chosen = recipe()
    chosen = chosen.model_copy(update={"schedule": chosen.schedule.model_copy(update={"steps": 150})})
    trainer(tmp_path / "run", chosen).train()
    rows = (tmp_path / "run/checkpoint/training.csv").read_text().splitlines()[1:]
    losses = [float(row.split(",")[2]) for row in rows]
    assert losses[-1] < 0.6 * losses[0]


def test_checkpoint_says_what_made_it(tmp_path: Path) -> None:
    made = trainer(tmp_path / "run", recipe(), facts={"data": {"name": "blobs"}}).train(max_steps=2)
    again = open_checkpoint(tmp_path / "run" / "checkpoint")
    assert again.recipe == recipe() and again.sha256 == made.sha256
    assert again.manifest["trained_steps"] == 2 and again.manifest["data"] == {"name": "blobs"}
    assert again.manifest["training"]["global_batch"] == 4


def test_another_recipe_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    trainer(tmp_path / "run", recipe()).train(max_steps=1)
    with pytest.raises(InputError, match="another recipe"):
        trainer(tmp_path / "run", recipe(seed=1)).train(max_steps=2)


def test_damaged_state_is_refused(tmp_path: Path) -> None:
    trainer(tmp_path / "run", recipe()).train(max_steps=1)
    state = tmp_path / "run" / "state.pt"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(InputError, match="cannot be resumed from"):
        trainer(tmp_path / "run", recipe()).train(max_steps=2)


@pytest.mark.parametrize("damage", ["truncated", "foreign", "no manifest", "other json", "no weights"])
def test_damaged_checkpoints_are_refused(tmp_path: Path, damage: str) -> None:
    folder = trainer(tmp_path / "run", recipe()).train(max_steps=1).path
    file, manifest = folder / "weights.safetensors", folder / "checkpoint.json"
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:-10])
    elif damage == "foreign":
        torch.save({"a": 1}, file)
    elif damage == "no manifest":
        manifest.unlink()
    elif damage == "other json":
        manifest.write_text(json.dumps({"format": 1}))
    else:
        file.unlink()
    with pytest.raises(InputError):
        open_checkpoint(folder)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    checkpoint = trainer(tmp_path / "run", recipe()).train(max_steps=1)
    other = build_network(recipe().network, in_channels=5, out_channels=4, size=(8, 8))
    with pytest.raises(InputError, match="do not fit"):
        checkpoint.load_into(other)


@pytest.mark.parametrize("kind", ["cosine", "linear", "one-cycle", "constant"])
def test_schedules_warm_up_and_end_where_they_should(kind: str) -> None:
    chosen = recipe()
    chosen = chosen.model_copy(update={"schedule": chosen.schedule.model_copy(update={"kind": kind, "warmup": 4})})
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=chosen.optimizer.lr)
    schedule = learning_rate(chosen, optimizer)
    rates = []
    for _ in range(20):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert rates[0] < 1e-4 and max(rates) == pytest.approx(1e-3, rel=0.01)
    assert rates[-1] == pytest.approx(1e-3) if kind == "constant" else rates[-1] < 1e-4


def test_augmentation_moves_images_and_masks_together() -> None:
    mask = torch.zeros(6, 16, 16, dtype=torch.long)
    mask[:, 4:12, 6:10] = 1
    images = mask[:, None].float()
    draws = Draws(0, [str(i) for i in range(6)])
    moved, moved_mask = augment(images, mask, DataConfig(shift=3, rotate=10, scale=0.1), draws)
    assert not torch.equal(moved_mask, mask)
    assert ((moved[:, 0] > 0.5).long() != moved_mask).float().mean() < 0.03
    same, same_mask = augment(images, mask, DataConfig(), draws)
    assert torch.equal(same, images) and torch.equal(same_mask, mask)


def test_shift_is_in_pixels() -> None:
    images = torch.zeros(50, 1, 9, 9)
    images[:, :, 4, 4] = 1
    moved, _ = augment(
        images, torch.zeros(50, dtype=torch.long), DataConfig(shift=2), Draws(0, [str(i) for i in range(50)])
    )
    grid = torch.arange(9.0)
    centre = (moved[:, 0].sum(1) * grid).sum(1) / moved[:, 0].sum((1, 2))
    assert 1.5 < (centre - 4).abs().max() <= 2.01


def test_batches_that_do_not_divide_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not divide"):
        trainer(tmp_path / "run", recipe(accumulate=3)).train(max_steps=1)


def test_diverging_training_stops_with_a_reason(tmp_path: Path) -> None:
    chosen = recipe()
    chosen = chosen.model_copy(update={"optimizer": chosen.optimizer.model_copy(update={"lr": 1e30, "clip": None})})
    with pytest.raises(InputError, match=r"lower optimizer\.lr"):
        trainer(tmp_path / "run", chosen).train()


def test_two_gaussians_with_known_coupling_are_recovered() -> None:
    """x ~ N(0, 1) and y = class +-1: at t the best velocity is linear in the state; see below for its closed form."""
    path, codec = SymmetricPath(), ClassMap(2, "official", eta=2, beta=0.0)
    n, t = 200_000, 0.3
    x, nx, ny = torch.randn(3, n, 1, generator=torch.Generator().manual_seed(0))
    y = codec.encode(torch.arange(n) % 2, ())
    x_t, _ = path.interpolate(x, y, nx, ny, torch.full((n,), t))
    v_x, _ = path.velocity(x, y, nx, ny)
    # E[v_x | x_t] = Cov(v_x, x_t) / Var(x_t) x_t = (t - (1 - t)) / (t^2 + (1 - t)^2) x_t
    slope = (v_x * x_t).mean() / x_t.square().mean()
    assert slope.item() == pytest.approx((2 * t - 1) / (t**2 + (1 - t) ** 2), abs=0.01)


def test_trackers_are_accelerates(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    trainer(tmp_path / "run", recipe(), trackers=("tensorboard",)).train(max_steps=5)
    assert list((tmp_path / "run").rglob("events.out.tfevents.*"))
    with pytest.raises(InputError, match="cannot train like this"):
        trainer(tmp_path / "other", recipe(), trackers=("tensorbored",)).train(max_steps=1)
