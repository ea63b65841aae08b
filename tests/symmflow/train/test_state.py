"""The state of a cut training on disk."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from symmbench.symmflow.errors import InputError, Note
from symmbench.symmflow.recipe import Recipe
from symmbench.symmflow.train.average import MovingAverage
from symmbench.symmflow.train.processes import Processes
from symmbench.symmflow.train.saved import load_state, save_state
from symmbench.symmflow.train.schedule import adamw, learning_rate
from symmbench.symmflow.train.state import State

WHOLE = {"state.json", "shard-00001-model-00001-of-00001.safetensors"}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def newest(run: Path) -> Path:
    (folder,) = (run / "state").iterdir()
    return folder


@pytest.mark.parametrize(("layout", "cut"), [(1, 10), (2, 7)])
def test_a_state_of_an_earlier_layout_is_gone_on_from(
    tmp_path: Path, layout: int, cut: int, recipe: Any, trainer: Any, weights: Any, as_before: Any
) -> None:
    """The first had no number and no open row of the log."""
    first = trainer(tmp_path / "old", recipe())
    first.train(max_steps=cut)
    as_before(tmp_path / "old", [name for name, _ in first.network.named_parameters()], layout)
    trainer(tmp_path / "old", recipe()).train()
    trainer(tmp_path / "whole", recipe()).train()
    assert same(weights(tmp_path / "old"), weights(tmp_path / "whole"))
    assert not (tmp_path / "old" / "state.pt").exists() and newest(tmp_path / "old").name == "step-000020"


def test_a_state_of_a_later_layout_is_refused(tmp_path: Path, recipe: Any, trainer: Any, as_before: Any) -> None:
    first = trainer(tmp_path / "run", recipe())
    first.train(max_steps=1)
    manifest = newest(tmp_path / "run") / "state.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"layout": 4}))
    with pytest.raises(InputError, match="has layout 4, and up to 3 is read here; upgrade"):
        trainer(tmp_path / "run", recipe()).train(max_steps=2)
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"layout": 3}))
    as_before(tmp_path / "run", [name for name, _ in first.network.named_parameters()], 3)
    with pytest.raises(InputError, match=r"state.pt has layout 3, and up to 2 is read here; upgrade"):
        trainer(tmp_path / "run", recipe()).train(max_steps=2)


def small(recipe: Recipe) -> State:
    """A network of two layers that has taken no step."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    optimizer = adamw(network.parameters(), recipe.optimizer)
    average = MovingAverage(network, 0.9)
    return State(network, optimizer, learning_rate(recipe, optimizer), average, None, Processes())


def step(state: State, steps: int = 1) -> None:
    for number in range(state.step, state.step + steps):
        torch.manual_seed(number)
        loss = state.network(torch.randn(6, 4)).square().sum()
        loss.backward()
        state.optimizer.step()
        state.optimizer.zero_grad()
        state.advance({"loss": float(loss.detach())})


@pytest.mark.parametrize("damage", ["shard cut", "shard gone", "manifest cut", "manifest gone", "empty", "one more"])
def test_a_state_that_is_not_whole_is_never_loaded(tmp_path: Path, damage: str, recipe: Any) -> None:
    """Beside an earlier one that is: that is gone on from, and the other goes. Alone: it is refused."""
    state, chosen = small(recipe()), recipe()
    step(state, 2)
    save_state(tmp_path, state, chosen)
    shutil.copytree(newest(tmp_path), tmp_path / "kept")
    step(state, 2)
    save_state(tmp_path, state, chosen)
    folder = newest(tmp_path)
    assert folder.name == "step-000004" and {path.name for path in folder.iterdir()} == WHOLE
    (shard,), manifest = folder.glob("*.safetensors"), folder / "state.json"
    match damage.split():
        case [_, "cut"]:
            cut = shard if damage.startswith("shard") else manifest
            cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
        case [_, "gone"]:
            (shard if damage.startswith("shard") else manifest).unlink()
        case ["empty"]:
            shard.unlink()
            manifest.unlink()
        case _:
            shutil.copy(shard, folder / "shard-00002-model-00001-of-00001.safetensors")
    with pytest.raises(InputError, match=r"step-000004 cannot be resumed from \(it is not whole\); remove it"):
        load_state(tmp_path, small(chosen), chosen)
    (tmp_path / "kept").rename(tmp_path / "state/step-000002")
    again = small(chosen)
    with pytest.warns(Note, match="step-000004 is not whole; the training goes on from step-000002"):
        assert load_state(tmp_path, again, chosen)
    step(again, 2)
    assert same(again.tensors(), state.tensors()) and again.sums == state.sums
    save_state(tmp_path, again, chosen)
    assert {path.name for path in newest(tmp_path).iterdir()} == WHOLE


def test_nothing_is_gone_on_from_where_nothing_is(tmp_path: Path, recipe: Any) -> None:
    assert not load_state(tmp_path, small(recipe()), recipe())
    (tmp_path / "state").mkdir()
    assert not load_state(tmp_path, small(recipe()), recipe())


def test_a_training_that_was_stopped_before_its_first_step_goes_on(tmp_path: Path, recipe: Any) -> None:
    state, again = small(recipe()), small(recipe())
    save_state(tmp_path, state, recipe())
    assert load_state(tmp_path, again, recipe()) and again.step == 0
    step(state, 3)
    step(again, 3)
    assert same(state.tensors(), again.tensors())


@pytest.mark.parametrize("wrong", [{"step": "many"}, {"log": [7]}, {"sums": {"loss": []}}, {"schedule": None}])
def test_facts_of_another_kind_are_refused(tmp_path: Path, wrong: dict[str, Any], recipe: Any) -> None:
    save_state(tmp_path, small(recipe()), recipe())
    manifest = newest(tmp_path) / "state.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | wrong))
    with pytest.raises(InputError, match="cannot be resumed from"):
        load_state(tmp_path, small(recipe()), recipe())


def test_dying_at_any_write_leaves_the_state_of_before_or_after(tmp_path: Path, recipe: Any, dying: Any) -> None:
    """And the next save leaves one state, and nothing beside it."""
    chosen, points, at = recipe(), 0, -1  # first it is counted, and nobody dies
    while at < points:
        run = tmp_path / f"{at}"
        run.mkdir()
        state = small(chosen)
        step(state)
        save_state(run, state, chosen)
        before = {name: value.clone() for name, value in state.tensors().items()}
        step(state)
        with dying.Dying(run, at if at >= 0 else None) as cut:
            try:
                save_state(run, state, chosen)
            except dying.Died:
                assert at >= 0
        points = points or len(cut.points)
        found = small(chosen)
        assert load_state(run, found, chosen) and found.step in (1, 2)
        assert same(found.tensors(), before if found.step == 1 else state.tensors())
        step(found, 3 - found.step)
        save_state(run, found, chosen)
        assert [path.name for path in (run / "state").iterdir()] == ["step-000003"]
        at += 1
    assert points > 5


def test_a_state_of_another_network_is_refused(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    """The files have the size that the manifest says, and other tensors."""
    trainer(tmp_path / "run", recipe()).train(max_steps=1)
    folder = newest(tmp_path / "run")
    (shard,), manifest = folder.glob("*.safetensors"), folder / "state.json"
    save_file({"network.other": torch.zeros(3)}, shard)
    facts = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(facts | {"files": {shard.name: shard.stat().st_size}}))
    with pytest.raises(InputError, match="cannot be resumed from"):
        trainer(tmp_path / "run", recipe()).train(max_steps=2)


class Bad:
    """What unpickling it would do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_folder_of_somebody_else_runs_no_code(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    """Neither as the index that `torch.distributed.checkpoint` writes elsewhere, nor as a shard."""
    trainer(tmp_path / "run", recipe()).train(max_steps=1)
    folder = newest(tmp_path / "run")
    (shard,), manifest = folder.glob("*.safetensors"), folder / "state.json"
    for path in (folder / ".metadata", folder / "__0_0.distcp", shard):
        path.write_bytes(pickle.dumps(Bad(tmp_path / "ran")))
    sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path != manifest}
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"files": sizes}))
    with pytest.raises(InputError, match="cannot be resumed from"):
        trainer(tmp_path / "run", recipe()).train(max_steps=2)
    assert not (tmp_path / "ran").exists()
