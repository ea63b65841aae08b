import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import create_model

from symmbench.symmflow.checkpoint import Checkpoint, open_checkpoint, save_checkpoint
from symmbench.symmflow.errors import Damaged, InputError, NoCheckpoint, Unwritable
from symmbench.symmflow.recipe import LabelsConfig, NetworkConfig, ObjectiveConfig, Recipe, Table


def recipe(kind: type[Recipe] = Recipe, **changes: Any) -> Recipe:
    return kind.model_validate(
        {
            "name": "test/it",
            "method": "symmflow",
            "dataset": "digits",
            "network": {"channels": 8, "depth": 2},
            "options": {"perturb": True},
            "optimizer": {"lr": 1e-3},
            "schedule": {"steps": 20},
            "train": {"batch": 4},
        }
        | changes
    )


@pytest.fixture
def saved(tmp_path: Path) -> Checkpoint:
    return save_checkpoint(tmp_path / "it", {"a": torch.arange(4.0)}, recipe(), "step,loss\n", trained_steps=3)


def extended(kind: type[Table]) -> Any:
    """The table with a field that it will get later."""
    return create_model(f"Later{kind.__name__}", __base__=kind, added=(float, 0.5))


def later() -> type[Recipe]:
    """A recipe whose tables have each a field more, those that count."""
    tables = {name: extended(kind) for name, kind in TABLES.items()}
    fields: Any = {name: (kind, kind()) for name, kind in tables.items()}
    return create_model("LaterRecipe", __base__=Recipe, **fields)


TABLES: dict[str, type[Table]] = {"labels": LabelsConfig, "network": NetworkConfig, "objective": ObjectiveConfig}


def fingerprint(saved: Checkpoint, chosen: Recipe) -> str:
    return Checkpoint(saved.path, chosen, saved.manifest).fingerprint


def test_a_field_added_with_a_default_moves_no_fingerprint(saved: Checkpoint) -> None:
    Later = later()
    grown = recipe(Later)
    assert "added" in grown.network.model_dump() and "added" in grown.labels.model_dump()
    assert fingerprint(saved, grown) == saved.fingerprint
    for table in TABLES:  # a value of its own counts
        values = grown.model_dump()[table] | {"added": 0.25}
        assert fingerprint(saved, recipe(Later, **{table: values})) != saved.fingerprint


def test_a_default_that_is_spelled_out_moves_no_fingerprint(saved: Checkpoint) -> None:
    spelled = recipe(**{name: recipe().model_dump()[name] for name in TABLES})
    assert fingerprint(saved, spelled) == saved.fingerprint


def test_what_is_done_with_the_weights_counts_and_how_they_were_made_does_not(saved: Checkpoint) -> None:
    used: list[dict[str, Any]] = [
        {"method": "fm"},
        {"labels": {"beta": 3.0}},
        {"network": {"channels": 8, "depth": 2, "time_scale": 1.0}},
        {"objective": {"sigma_min": 1e-4}},
        {"options": {"perturb": False}},
    ]
    assert len({saved.fingerprint, *(fingerprint(saved, recipe(**change)) for change in used)}) == 6
    made: list[dict[str, Any]] = [{"name": "x/y"}, {"optimizer": {"lr": 1.0}}, {"train": {"batch": 9}}, {"notes": "n"}]
    assert {fingerprint(saved, recipe(**change)) for change in made} == {saved.fingerprint}


def test_other_weights_have_another_fingerprint(saved: Checkpoint, tmp_path: Path) -> None:
    other = save_checkpoint(tmp_path / "other", {"a": torch.arange(4.0) + 1}, recipe(), "")
    assert other.fingerprint != saved.fingerprint


def test_the_fingerprint_is_this_hash(saved: Checkpoint) -> None:
    used = '{"method": "symmflow", "network": {"channels": 8}, "options": {"perturb": true}}'
    weights = hashlib.sha256((saved.path / "weights.safetensors").read_bytes()).hexdigest()
    assert saved.fingerprint == hashlib.sha256(f"{weights}\n{used}".encode()).hexdigest()


def test_the_defaults_are_what_they_were() -> None:
    """Another default would give two uses one fingerprint. New fields may come."""
    labels = {"codec": "palette", "scaling": "paper", "eta": 4.0, "beta": None, "k": 6, "s": 50.0}
    network = {
        "kind": "unet",
        "channels": 64,
        "multipliers": (1, 2, 2, 2),
        "depth": 2,
        "attention": (16,),
        "middle_norm": True,
        "head_channels": 64,
        "dropout": 0.0,
        "patch": 1,
        "time_scale": 1000.0,
        "time_frequencies": 8,
        "gain": False,
    }
    objective = {"image_weight": None, "sigma_min": 0.0}
    for name, known in (("labels", labels), ("network", network), ("objective", objective)):
        assert known.items() <= TABLES[name]().model_dump().items()


def test_a_checkpoint_is_replaced_whole(saved: Checkpoint) -> None:
    again = save_checkpoint(saved.path, {"a": torch.zeros(4)}, recipe(), "step\n1\n", trained_steps=9)
    assert again.manifest["trained_steps"] == 9 and again.sha256 != saved.sha256
    assert [f.name for f in saved.path.parent.iterdir()] == ["it"]
    assert (saved.path / "training.csv").read_text() == "step\n1\n"


def test_what_cannot_be_opened_says_why(saved: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(NoCheckpoint, match="there is no checkpoint folder"):
        open_checkpoint(tmp_path / "none")
    manifest = saved.path / "checkpoint.json"
    values = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(values | {"format": 2}))
    with pytest.raises(InputError, match="has checkpoint format 2"):
        open_checkpoint(saved.path)
    manifest.write_text(json.dumps(values | {"recipe": values["recipe"] | {"depht": 1}}))
    with pytest.raises(Damaged, match=r"the recipe in .*checkpoint\.json: depht: there is no such key"):
        open_checkpoint(saved.path)
    manifest.write_text("{")
    with pytest.raises(Damaged, match="cannot be read"):
        open_checkpoint(saved.path)
    manifest.unlink()
    with pytest.raises(NoCheckpoint, match=r"has no checkpoint\.json"):
        open_checkpoint(saved.path)


def test_a_checkpoint_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unwritable, match="cannot write"):
        save_checkpoint(tmp_path / "file" / "it", {"a": torch.zeros(1)}, recipe(), "")


def test_the_recipe_is_part_of_a_checkpoints_identity(tmp_path: Path) -> None:
    import json
    import shutil

    from symmbench.methods.registry import CHECKPOINTS
    from symmbench.symmflow.checkpoint import open_checkpoint

    shutil.copytree(CHECKPOINTS / "two-spirals" / "symmflow", tmp_path / "c")
    before = open_checkpoint(tmp_path / "c")
    manifest = json.loads((tmp_path / "c" / "checkpoint.json").read_text())
    manifest["recipe"]["labels"]["eta"] = 3
    (tmp_path / "c" / "checkpoint.json").write_text(json.dumps(manifest))
    after = open_checkpoint(tmp_path / "c")
    assert after.sha256 == before.sha256 and after.fingerprint != before.fingerprint
