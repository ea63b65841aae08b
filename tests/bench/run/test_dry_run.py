"""What a training would take, told without weights, data or a network."""

from __future__ import annotations

import json
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from symmbench.bench import dry_run
from symmbench.bench.run.dry_run import command, weights_needed
from symmbench.bench.run.training import Training, chosen
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.network import closed

GIB = 2**30


def test_a_latent_model_of_the_papers_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMMBENCH_DATA", str(tmp_path))
    with closed() as asked:
        found = dry_run(recipe="celebamask-hq/symmflow", tflops=160, processes=2, cache_latents=False)
        cached = dry_run(recipe="celebamask-hq/symmflow", tflops=160, processes=2)
    assert not asked  # nobody was called
    assert (found.parameters, found.space, found.uncounted) == (865_933_768, (4, 64, 64), "")
    assert found.budget and found.seconds and found.epoch == 24_183
    assert found.budget.micro_batch == 16 and found.budget.images == 151_144 * 32
    # 2.25e19 FLOP, and 19.5 hours on two devices that sustain 160 TFLOP/s, reckoned apart from this code
    assert found.budget.total_flops == pytest.approx(2.25e19, rel=0.01)
    assert found.seconds / 3600 == pytest.approx(19.5, rel=0.01)
    fixed = found.budget.total_memory - found.budget.memory["activations"] - found.budget.memory["DDP's buckets"]
    assert fixed / GIB == pytest.approx(17.8, rel=0.1)
    assert (fixed + 2 * found.budget.memory["activations"]) / GIB == pytest.approx(52.1, rel=0.1)
    assert [need.here for need in found.needs] == [False] * 3
    assert "bench data get celebamask-hq" in found.needs[0].said and "sd21" in found.needs[1].what
    words = shlex.split(found.command)
    assert words[:3] == ["accelerate", "launch", "--config_file"] and Path(words[3]).is_file()
    told = "--num_processes 2 -m symmbench.bench train --recipe celebamask-hq/symmflow --no-cache-latents"
    assert shlex.join(words[4:]) == told
    # images are encoded once, masks in every step: their noise is new
    assert cached.budget and sum(cached.budget.flops.values()) / 1e12 == pytest.approx(3.529997, rel=1e-5)
    assert cached.budget.once / 1e12 == pytest.approx(24_183 * 1.116658, rel=1e-5)


def test_a_training_that_is_to_stop_early_costs_its_own_steps() -> None:
    whole, short, long = (dry_run(recipe="digit-scenes/unet", tflops=1, max_steps=steps) for steps in (None, 90, 10**9))
    assert whole.seconds and short.seconds and long.seconds and whole.budget and short.budget
    assert (short.budget.steps, short.budget.images) == (90, 90 * 64)
    assert whole.seconds == long.seconds == pytest.approx(short.seconds * whole.budget.steps / 90)


@pytest.mark.parametrize("name", ["two-spirals/symmflow", "digit-scenes/fm", "digit-scenes/unet", "digits/cnn"])
def test_small_recipes_of_every_kind(name: str) -> None:
    found = dry_run(recipe=name, device="cpu")
    assert found.budget and found.seconds and found.parameters and found.tflops > 0 and "matrix products" in found.by
    assert all(need.here for need in found.needs)
    assert found.command == f"bench train --recipe {name} --device cpu"


@pytest.mark.parametrize(("processes", "nodes", "each"), [(16, 2, 8), (12, 2, 6), (32, 4, 8)])
def test_more_gpus_than_a_machine_has_are_those_of_several(processes: int, nodes: int, each: int) -> None:
    words = shlex.split(command(Training(recipe="digits/cnn"), processes))
    assert words[:5] == ["sbatch", "--nodes", str(nodes), "--gpus-per-node", str(each)]
    assert Path(words[5]).is_file() and words[6:] == ["--recipe", "digits/cnn"]


def test_the_command_is_the_one_that_was_asked(tmp_path: Path) -> None:
    values = {"optimizer.lr": 3e-4, "network.attention": [8, 4], "network.gain": True, "labels.codec": "palette"}
    found = dry_run(recipe="digit-scenes/symmflow", overrides=values, max_steps=3, out=tmp_path / "a b", tflops=1)
    words = shlex.split(found.command)
    assert words[:4] == ["bench", "train", "--recipe", "digit-scenes/symmflow"]
    assert ["--out", str(tmp_path / "a b")] == words[-2:] and words[-4:-2] == ["--max-steps", "3"]
    from symmbench.bench.cli.parse import overrides

    assert overrides([word for flag, word in pairwise(words) if flag == "--set"]) == values


def test_twice_the_processes_take_half_the_time_and_halve_the_batch() -> None:
    one, two = (dry_run(recipe="digit-scenes/symmflow", tflops=1, processes=count) for count in (1, 2))
    assert one.seconds and two.seconds and one.seconds == 2 * two.seconds
    assert one.budget and two.budget and one.budget.memory["activations"] == 2 * two.budget.memory["activations"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"tflops": 0}, "--tflops must be more than 0 and finite"),
        ({"processes": 0}, "--processes must lie in 1-65,536"),
        ({"processes": 7, "tflops": 1}, "does not divide into 7 processes"),
        ({"recipe": "digit-scenes/none"}, "unknown recipe 'digit-scenes/none'"),
    ],
)
def test_bad_questions(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        dry_run(**({"recipe": "digit-scenes/symmflow"} | asked))


def test_a_network_that_cannot_be_counted_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from symmbench import methods

    def broken(recipe: Any, card: Any) -> Any:
        raise ImportError("mmseg is not installed")

    monkeypatch.setattr(methods.method("unet"), "network", broken)
    found = dry_run(recipe="digit-scenes/unet", tflops=1)
    assert found.budget is None and found.seconds is None and "mmseg is not installed" in found.uncounted
    assert found.command and found.needs


def test_on_a_screen_of_eighty_columns(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("train", "-r", "digit-scenes/symmflow", "--dry-run", "--tflops", "0.05", "--processes", "2")
    done = bench(*asked)
    assert done.returncode == 0, done.stderr
    assert "DDP's buckets" in done.stdout and "With train.gradient_checkpointing = true: " in done.stdout
    assert "at 0.05 TFLOP/s each (--tflops)" in done.stdout
    tables = [line for line in done.stdout.splitlines() if line.startswith(" ")]
    assert tables and max(map(len, tables)) <= 80
    said = json.loads(bench(*asked, "--json").stdout)
    assert said["total_memory"] == sum(said["budget"]["memory"].values()) and said["seconds"] > 0
    done = bench("train", "-r", "digits/cnn", "--tflops", "1")
    assert done.returncode == 2 and "--tflops goes with --dry-run" in done.stderr


@pytest.mark.parametrize(
    ("recipe", "field", "why"),
    [
        ("camvid/symmflow", "latents.weights", "is no taef2: it has no taef2_encoder.pth"),
        ("camvid/symmflow", "latents.weights/none", "there is no folder"),
        ("celebamask-hq/symmflow", "network.pipeline", "is no pipeline in diffusers' format: it has no tokenizer"),
    ],
)
def test_a_folder_that_holds_nothing_is_not_what_is_needed(tmp_path: Path, recipe: str, field: str, why: str) -> None:
    field, _, below = field.partition("/")
    asked = Training(recipe=recipe, overrides={field: str(tmp_path / below)})
    found = [need for need in weights_needed(chosen(asked)[0]) if str(tmp_path) in need.what]
    assert len(found) == 1 and not found[0].here and why in found[0].said and "fetched" not in found[0].said
