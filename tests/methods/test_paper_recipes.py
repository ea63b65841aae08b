"""The recipes of the papers' rows at their size: parameter counts on a device that stores nothing, and the numbers."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

from symmbench import datasets, methods
from symmbench.methods.parts.latents import space
from symmbench.methods.parts.published import PUBLISHED, Published, located
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.networks import parameter_count

FACES, THINGS, STREETS, PHOTOS = "celebamask-hq", "coco-stuff", "cityscapes", "cifar-10"
SYMMFLOW, SEMFLOW, DSM, RETRAINED = 865_933_768, 859_520_964, 859_532_484, 865_910_724
PARAMETERS = {
    **{f"{data}/symmflow{variant}": SYMMFLOW for data in (FACES, THINGS) for variant in ("", "[official]")},
    **{f"{data}/semflow{variant}": SEMFLOW for data in (FACES, THINGS, STREETS) for variant in ("", "[official]")},
    f"{FACES}/semflow[unperturbed]": SEMFLOW,
    **{f"{data}/semflow[symmflow-retrained]": RETRAINED for data in (FACES, THINGS)},
    **{f"{data}/dsm": DSM for data in (FACES, THINGS, STREETS)},
    **{f"{data}/fm": 865_922_244 for data in (FACES, THINGS)},
    f"{PHOTOS}/symmflow[official]": 137_607_684,
    "mnist/symmflow[official]": 2_161_346,
}
OTHERS = {f"{PHOTOS}/symmflow", f"{PHOTOS}/fm", f"{PHOTOS}/diffusion-classifier"}
"""Pixel networks whose size no one has published."""
SIZES = {FACES: 24_183, THINGS: 118_287}


@pytest.mark.parametrize("name", PARAMETERS)
def test_recipes_build_networks_of_the_papers_size(name: str) -> None:
    recipe = methods.recipe(name)
    kind, card = methods.method(recipe.method), datasets.card(recipe.dataset)
    kind.check_recipe(recipe)
    kind.check_data(card)
    with torch.device("meta"):
        assert parameter_count(kind.network(recipe, card)) == PARAMETERS[name]


def test_every_large_recipe_is_counted() -> None:
    large = {name for name in methods.recipe_names() if methods.recipe(name).network.channels >= 256}
    assert large == {name for name in PARAMETERS if not name.startswith("mnist/")} | OTHERS


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_the_pairs_on_cifar_10_have_networks_of_one_size(name: str) -> None:
    recipe = methods.recipe(name)
    with torch.device("meta"):
        count = parameter_count(methods.method(recipe.method).network(recipe, datasets.card(PHOTOS)))
    assert 137_607_684 <= count < 1.35 * 137_607_684  # with scale and shift, and attention at 16


@pytest.mark.parametrize("name", [n for n in PARAMETERS if n.split("/")[0] in (FACES, THINGS, STREETS)])
def test_latents_are_an_eighth_of_the_image_and_weights_have_a_place(name: str) -> None:
    recipe = methods.recipe(name)
    channels, height, width = space(recipe, card := datasets.card(recipe.dataset))
    assert (channels, height * 8, width * 8) == (4, *card.size)
    assert recipe.latents.weights in PUBLISHED and recipe.network.pipeline in PUBLISHED
    one = (name.split("/")[1].startswith("semflow") and "retrained" not in name) or name.endswith("/dsm")
    assert (recipe.network.pipeline, recipe.network.context) == (("sd15", 768) if one else ("sd21", 1024))


@pytest.mark.parametrize("name", [n for n in PARAMETERS if n.split("/")[0] in SIZES and "symmflow" in n.split("/")[1]])
def test_steps_are_the_papers_epochs(name: str) -> None:
    recipe = methods.recipe(name)
    epoch = SIZES[recipe.dataset] / recipe.train.batch
    assert (recipe.schedule.steps, recipe.schedule.warmup) == (round(200 * epoch), round(10 * epoch))
    assert f"{recipe.schedule.steps:,} steps" in recipe.notes and recipe.optimizer.lr == 8e-5
    official = recipe.labels.scaling == "official"
    assert recipe.train.batch == (32 * {FACES: 2, THINGS: 4}[recipe.dataset] if official else 32)
    assert recipe.labels.beta == {FACES: 10, THINGS: 6}[recipe.dataset]
    assert (recipe.network.time_scale, recipe.train.ema) == ((1, 0.9) if official else (1000, 0.999))


def test_a_published_model_is_looked_for_at_every_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    for name in ("sd15", "runwayml/stable-diffusion-v1-5", "botp/stable-diffusion-v1-5"):
        with pytest.raises(InputError) as refused:
            located(name, ["unet/*"])
        said = str(refused.value)
        assert "runwayml/stable-diffusion-v1-5 is no longer there" in said
        assert all(repository in said for repository in PUBLISHED["sd15"].repositories)
        assert said.endswith("or name a folder that holds it.")
    for name, said in (("sd1.5", "did you mean 'sd15'"), ("./no/where", "there is no folder")):
        with pytest.raises(InputError, match=said):
            located(name)


def test_a_pinned_commit_is_fetched_whatever_the_repository_holds_by_now(
    hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = hub.put("models/owner/net", {"net.bin": b"old"}, revision="then")
    hub.put("models/owner/net", {"net.bin": b"new"})
    for name, commit in (("pinned", old), ("newest", None)):
        monkeypatch.setitem(PUBLISHED, name, Published(name, "a net", {"owner/net": commit}))
    folder = located("pinned", ["net.bin"])
    assert (folder.name, (folder / "net.bin").read_bytes()) == (old, b"old")
    assert (located("newest", ["net.bin"]) / "net.bin").read_bytes() == b"new"
    assert located("pinned", ["net.bin"]) == folder


def test_commits_are_whole_and_what_recipes_use_is_pinned() -> None:
    pins = {n: list(one.repositories.values()) for n, one in PUBLISHED.items()}
    assert all(re.fullmatch("[0-9a-f]{40}", commit) for commits in pins.values() for commit in commits if commit)
    recipes = [methods.recipe(name) for name in PARAMETERS]
    used = {recipe.latents.weights for recipe in recipes} | {recipe.network.pipeline for recipe in recipes}
    assert len(used := used & set(PUBLISHED)) == 3 and all(pins[name][0] for name in used)
