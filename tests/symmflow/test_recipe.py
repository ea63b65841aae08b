from pathlib import Path

import pytest

from symmbench.symmflow.errors import InputError, NoRecipe, WrongValue
from symmbench.symmflow.recipe import read_recipe

TEXT = """
name = "a/b"
method = "symmflow"
dataset = "digits"
[optimizer]
lr = 1e-3
[schedule]
steps = 10
[train]
batch = 4
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "recipe.toml"
    file.write_text(TEXT)
    return file


def test_overrides_reach_their_field_and_keep_their_type(path: Path) -> None:
    overrides = {"optimizer.lr": 3e-4, "network.multipliers": [1, 2], "train.precision": "bf16", "schedule.steps": 20}
    recipe = read_recipe(path, overrides)
    assert recipe.optimizer.lr == 3e-4 and recipe.network.multipliers == (1, 2)
    assert recipe.train.precision == "bf16" and recipe.schedule.steps == 20


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("optimizer.lr", -1, "optimizer.lr: input should be greater than 0"),
        ("optimizer.learning_rate", 1, "optimizer.learning_rate: there is no such key"),
        ("train.precision", "fp8", "train.precision"),
        ("schedule.warmup", 10, "warmup (10) must be smaller than steps (10)"),
        ("name.x", 1, "'name' is a value"),
    ],
)
def test_errors_name_the_file_and_the_field(path: Path, key: str, value: object, said: str) -> None:
    with pytest.raises(WrongValue) as error:
        read_recipe(path, {key: value})
    assert said in str(error.value) and str(path) in str(error.value)


def test_broken_files(tmp_path: Path) -> None:
    with pytest.raises(NoRecipe, match="no recipe"):
        read_recipe(tmp_path / "none.toml")
    with pytest.raises(NoRecipe, match="no recipe"):
        read_recipe(tmp_path)
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(InputError, match="not a valid TOML"):
        read_recipe(tmp_path / "bad.toml")
