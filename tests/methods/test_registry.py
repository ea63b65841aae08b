from pathlib import Path

import pytest
import torch

from symmbench import datasets, methods
from symmbench.methods.registry import CHECKPOINTS, RECIPES
from symmbench.symmflow.checkpoint import open_checkpoint
from symmbench.symmflow.errors import InputError

BUNDLED = sorted(str(p.parent.relative_to(CHECKPOINTS)) for p in CHECKPOINTS.glob("*/*/checkpoint.json"))


SMALL = [
    name
    for name in methods.recipe_names()
    if methods.recipe(name).network.channels < 256 and methods.recipe(name).latents.codec == "pixels"
]
"""The others are built where nothing is stored (test_paper_recipes), or need an autoencoder (test_latent_models)."""


@pytest.mark.parametrize("name", SMALL)
def test_every_recipe_builds_its_network_and_takes_a_gradient(name: str) -> None:
    recipe = methods.recipe(name)
    assert recipe.name == name and recipe.dataset == name.split("/")[0]
    kind, card = methods.method(recipe.method), datasets.card(recipe.dataset)
    network, objective = kind.network(recipe, card), kind.objective(recipe, card)
    from symmbench.symmflow.noise import Draws

    images = torch.rand(2, *card.shape) * 2 - 1
    if card.name == "digit-presence":
        labels = torch.ones(2, 10, dtype=torch.long)
    else:
        labels = torch.ones(2, *(card.size if card.has_masks else ()), dtype=torch.long)
    loss, parts = objective.loss(network, images, labels, Draws(0, ["a", "b"]))
    loss.backward()
    assert (
        loss.isfinite() and parts and any(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    )


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_checkpoints_are_what_their_recipe_makes(name: str) -> None:
    checkpoint = open_checkpoint(CHECKPOINTS / name)
    assert checkpoint.recipe == methods.recipe(name)
    assert checkpoint.manifest["trained_steps"] == checkpoint.recipe.schedule.steps
    assert checkpoint.manifest["training"]["cpu_seconds"] < 2 * 45 * 60, "the family budget: 45 minutes on two cores"
    rows = (CHECKPOINTS / name / "training.csv").read_text().splitlines()
    assert float(rows[-1].split(",")[0]) == checkpoint.recipe.schedule.steps
    kind, card = methods.method(checkpoint.recipe.method), datasets.card(checkpoint.recipe.dataset)
    assert kind.load(checkpoint, card, "cpu").networks


def test_everything_that_the_demo_needs_is_bundled_and_small() -> None:
    wanted = {
        "two-spirals/symmflow",
        "digits/symmflow",
        "digit-scenes/symmflow",
        "digits/cnn",
        "digit-scenes/unet",
        "digit-presence/cnn",
    }
    assert wanted <= set(BUNDLED)
    assert sum(p.stat().st_size for p in CHECKPOINTS.rglob("*") if p.is_file()) <= 15_000_000


def test_unknown_names_say_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'symmflow'"):
        methods.method("symflow")
    with pytest.raises(InputError, match="did you mean 'mnist/symmflow'"):
        methods.recipe("mnist/symflow")
    with pytest.raises(InputError, match="no recipe at"):
        methods.recipe("mine.toml")


def test_missing_checkpoint_says_how_to_get_one() -> None:
    with pytest.raises(InputError, match="bench train --recipe mnist/symmflow"):
        methods.checkpoint("symmflow", "mnist")
    with pytest.raises(InputError, match=r"deeplabv3plus\]` \(or .*segformer\]\)"):
        methods.checkpoint("mmseg", "digit-scenes")


def test_data_that_a_floor_cannot_take_is_refused() -> None:
    for name, dataset in (
        ("digits/cnn", "digit-scenes"),
        ("digits/cnn", "two-spirals"),
        ("digit-scenes/unet", "digits"),
    ):
        kind, card = methods.method(methods.recipe(name).method), datasets.card(dataset)
        assert not kind.supports("cls", None, card) and not kind.supports("ss", None, datasets.card("digits"))
        with pytest.raises(InputError, match="choose another data set"):
            kind.check_data(card)


def test_checkpoint_of_another_method_is_refused() -> None:
    with pytest.raises(InputError, match="a checkpoint of cnn, not of symmflow"):
        methods.checkpoint("symmflow", "digits", str(CHECKPOINTS / "digits" / "cnn"))


def test_a_row_is_named_by_its_checkpoint() -> None:
    plain = methods.checkpoint("symmflow", "digits")
    assert methods.label("symmflow", plain) == "symmflow"
    with pytest.raises(InputError, match="one of symmflow, not of symmflow"):
        methods.label("symmflow[anything]", plain)
    foreign = methods.Foreign(Path("x"), "some/where/model/", "abc")
    assert methods.label("hf:some/where/model/", foreign) == "hf:model"


def test_hub_id_that_cannot_be_reached_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"model .* cannot be had from the hub"):
        methods.checkpoint("symmflow", "digits", "hub:nobody/nothing")


def test_recipes_say_where_they_differ_from_the_paper() -> None:
    for name in methods.recipe_names():
        assert methods.recipe(name).notes
    paper, official = methods.recipe("mnist/symmflow"), methods.recipe("mnist/symmflow[official]")
    assert (paper.network.channels, paper.network.multipliers, paper.network.attention) == (32, (1, 2, 2, 2), (16,))
    assert paper.schedule.steps == round(60_000 / 512 * 1000) and paper.optimizer.lr == 5e-4
    assert official.objective.image_weight == 0.9 and official.network.attention == ()
    assert Path(RECIPES / "mnist" / "symmflow.toml").is_file()
