"""Every method through the rules of the interface, and the rules through methods that break them."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import torch

from symmbench import datasets, methods
from symmbench.bench.checks.conformance import Check, check_method, conformance
from symmbench.methods import YES, Classification, Classify, Does, Method, Sampling, no
from symmbench.methods.registry import CHECKPOINTS
from symmbench.symmflow.noise import Draws

BUNDLED = sorted(str(p.parent.relative_to(CHECKPOINTS)) for p in CHECKPOINTS.glob("*/*/checkpoint.json"))
BUNDLED = [c for c in BUNDLED if not c.startswith("digit-presence")]
UNTRAINED = [
    name
    for name in methods.recipe_names()
    if name.split("/")[0] in ("digits", "digit-scenes") and name not in BUNDLED and "mmseg" not in name
]


def failures(checks: list[Check]) -> list[Check]:
    assert checks
    return [c for c in checks if c.ok is False]


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_methods_keep_the_rules(name: str) -> None:
    dataset, method = name.split("/")
    assert not failures(check_method(method, dataset))


@pytest.mark.parametrize("name", UNTRAINED)
def test_methods_without_a_bundled_checkpoint_keep_the_rules(name: str) -> None:
    recipe = methods.recipe(name)
    kind, card = methods.method(recipe.method), datasets.card(recipe.dataset)
    torch.manual_seed(0)
    network = kind.network(recipe, card)
    for parameter in network.parameters():  # also where training starts from zeros
        torch.nn.init.normal_(parameter, std=0.05)
    network.eval().requires_grad_(False)
    checks = conformance(
        lambda device: kind(deepcopy(network).to(device), recipe, card), datasets.load(card.name, "test")
    )
    assert not failures(list(checks))


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu(name: str) -> None:
    dataset, method = name.split("/")
    compared = [c for c in check_method(method, dataset) if c.rule == "CUDA agrees with the CPU"]
    assert compared and all(c.ok for c in compared), compared


class Broken(Method):
    """Classifies; each flaw breaks one rule."""

    name, title = "broken", "Broken"
    tasks = (Classify(),)
    flaw = ""

    @classmethod
    def can(cls, does: Does, steps: int | None, card: datasets.Card) -> Any:
        return no("" if cls.flaw == "silent" else "it takes three steps or more") if steps == 2 else YES

    @classmethod
    def network(cls, recipe: Any, card: Any) -> Any:
        return torch.nn.Linear(64, 1)

    objective = network

    def classify(self, images: torch.Tensor, sampling: Sampling) -> Iterator[Classification]:
        steps = {"nothing": (), "one result": sampling.steps[:1]}.get(self.flaw, sampling.steps)
        for count in steps:
            for _ in range((count if isinstance(count, int) else 7) + (self.flaw == "more evaluations")):
                self.net(images.flatten(1))
            scores = images.flatten(1)[:, :10].clone()
            if self.flaw == "squeezes":
                scores = scores.squeeze()
            if self.flaw == "depends on the batch":
                scores[:, len(images)] += 100
            if self.flaw == "depends on the order":
                scores[torch.arange(len(scores)), torch.arange(len(scores))] += 100
            if self.flaw == "small scores that depend on the batch":
                scores = 1e-7 * (scores + 0.01 * len(images))
            if self.flaw == "random":
                scores = torch.rand(len(images), 10)
            classes = scores.argmax(1)
            if self.flaw == "wrong class":
                classes = scores.argmin(1)
            if self.flaw == "int32":
                classes = classes.int()
            if self.flaw == "tuple":
                yield classes, scores  # type: ignore[misc]
            yield Classification(classes, scores, scale="" if self.flaw == "no scale" else "made up")

    def on(self, device: str) -> "Broken":
        return Broken(deepcopy(self.net).to(device), self.recipe, self.card)

    def synthesize(self, semantics: torch.Tensor, sampling: Sampling) -> Iterator[torch.Tensor]:
        if self.flaw != "undeclared":
            raise TypeError("no")
        yield torch.zeros(len(semantics), 1, 8, 8)


@pytest.mark.parametrize(
    ("flaw", "rule"),
    [
        ("", ""),
        ("silent", "says why"),
        ("one result", "one result a step count"),
        ("more evaluations", "network evaluations"),
        ("depends on the batch", "a batch of one"),
        ("depends on the order", "the order of a batch"),
        ("small scores that depend on the batch", "a batch of one"),
        ("random", "the same seed"),
        ("wrong class", "the form"),
        ("int32", "the form"),
        ("tuple", "the form"),
        ("nothing", "one result a step count"),
        ("squeezes", "a batch of one"),
        ("no scale", "the form"),
        ("undeclared", "an unsupported task refuses"),
    ],
)
def test_a_method_that_breaks_a_rule_is_found_out(flaw: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broken, "flaw", flaw)
    card = datasets.card("digits")
    method = Broken(torch.nn.Linear(64, 1), methods.recipe("digits/symmflow"), card)
    found = failures(list(conformance(lambda device: method.on(device), datasets.load("digits", "test"))))
    assert bool(found) == bool(flaw)
    assert not flaw or any(rule in c.rule for c in found), found


def test_seeds_and_draws_change_a_synthesis() -> None:
    checkpoint = methods.checkpoint("symmflow", "digits")
    method = methods.method("symmflow").load(checkpoint, datasets.card("digits"), "cpu")
    labels, ids = torch.tensor([3, 3]), ["a", "b"]

    def make(seed: int, draw: int) -> torch.Tensor:
        return next(method.synthesize(labels, Sampling(Draws(seed, ids), (2,), "euler", draw)))

    with torch.inference_mode():
        base = make(0, 0)
        assert not torch.equal(base, make(1, 0)) and not torch.equal(base, make(0, 1)) and torch.equal(base, make(0, 0))
        assert not torch.equal(base[0], base[1])
