"""What the authors' code of SymmFlow builds and how it trains: shapes of every weight, the learning rate, the notes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from symmbench import methods
from symmbench.symmflow.networks import build_network, parameter_count
from symmbench.symmflow.recipe import NetworkConfig, Recipe
from symmbench.symmflow.train.schedule import learning_rate

FIXTURES = Path(__file__).parents[1] / "fixtures" / "official"


def official(data: str) -> Iterator[tuple[str, list[int], str]]:
    """(key, shape, our key) of every weight of the authors' network; the first lines say where they come from."""
    for line in (FIXTURES / f"keys_symmflow_pixel_{data}.tsv").read_text().splitlines():
        if not line.startswith("#"):
            key, shape, ours = line.split("\t")
            yield key, json.loads(shape), ours


def network(data: str) -> torch.nn.Module:
    """As the bundled recipe has it; CIFAR-10 has Table 8's width and four channels."""
    config, channels = methods.recipe("mnist/symmflow[official]").network, 2
    if data == "cifar-10":
        config, channels = config.model_copy(update={"channels": 256}), 4
    with torch.device("meta"):
        return build_network(config, in_channels=channels, out_channels=channels, size=(32, 32))


@pytest.mark.parametrize(("data", "parameters"), [("mnist", 2_161_346), ("cifar-10", 137_607_684)])
def test_the_official_network_has_every_weight_of_the_authors_and_no_other(data: str, parameters: int) -> None:
    ours = {name.removeprefix("unet."): list(value.shape) for name, value in network(data).state_dict().items()}
    seen = []
    for key, shape, told in official(data):
        if ".qkv." in key:  # one packed map there, three here
            block, _, kind = told.partition(" ")[0].rpartition(".")
            names = [f"{block.partition('.to_')[0]}.to_{part}.{kind}" for part in "qkv"]
            shape = [shape[0] // 3, *shape[1:]]
        else:
            names = [told]
        plain = shape[:-1] if len(shape) == 3 else shape  # a convolution of width 1 over positions is a linear map
        for name in names:
            assert ours.get(name) == plain, (key, name)
        seen += names
    assert len(seen) == len(set(seen)) and set(seen) == set(ours)
    assert sum(torch.Size(shape).numel() for _, shape, _ in official(data)) == parameters
    assert parameter_count(network(data)) == parameters


def test_time_that_is_added_takes_half_the_weights_of_scale_and_shift() -> None:
    for time, outputs in (("add", 8), ("scale-shift", 16)):
        config = NetworkConfig(channels=8, multipliers=(1, 1), depth=1, attention=(), head_channels=8, time=time)  # type: ignore[arg-type]
        built = build_network(config, in_channels=2, out_channels=2, size=(8, 8))
        assert {m.time_emb_proj.out_features for m in built.modules() if hasattr(m, "time_emb_proj")} == {outputs}


def rates(recipe: Recipe) -> list[float]:
    """The learning rate of every step that is taken."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=recipe.optimizer.lr)
    schedule, found = learning_rate(recipe, optimizer), []
    for _ in range(recipe.schedule.steps):
        found.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize(("steps", "warmup"), [(40, 10), (40, 0), (1000, 100)])
def test_one_cycle_begins_and_ends_at_a_millionth_and_peaks_where_the_warm_up_ends(steps: int, warmup: int) -> None:
    overrides = {"schedule.steps": steps, "schedule.warmup": warmup}
    recipe = methods.recipe("mnist/symmflow[official]", overrides)
    found, top = rates(recipe), max(warmup, 2) - 1
    assert found[0] == pytest.approx(1e-6) and found[-1] == pytest.approx(1e-6)
    assert found[top] == pytest.approx(5e-4) and max(found) == pytest.approx(5e-4)
    assert found[: top + 1] == sorted(found[: top + 1]) and found[top:] == sorted(found[top:], reverse=True)
    middle = (top + steps - 1) // 2  # a cosine is half-way down there
    down = (middle - top) / (steps - 1 - top)
    expected = 1e-6 + (5e-4 - 1e-6) * (1 + torch.tensor(down * torch.pi).cos().item()) / 2
    assert found[middle] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_one_cycle_of_very_few_steps_begins_at_its_end(steps: int) -> None:
    recipe = methods.recipe("mnist/symmflow[official]", {"schedule.steps": steps, "schedule.warmup": 0})
    assert rates(recipe)[0] == pytest.approx(1e-6)


@pytest.mark.parametrize("name", [n for n in methods.recipe_names() if "mnist/symmflow" in n])
def test_notes_count_steps_and_say_what_of_table_8_was_left_out(name: str) -> None:
    recipe = methods.recipe(name)
    assert f"{recipe.schedule.steps:,} steps" in recipe.notes and f"{recipe.schedule.warmup:,}" in recipe.notes
    epoch = 60_000 / recipe.train.batch
    assert (recipe.schedule.steps, recipe.schedule.warmup) == (round(1000 * epoch), round(100 * epoch))
    assert recipe.labels.scaling == "official" or "eta = 4 is left out" in recipe.notes
