"""SemFlow, DSM and FM: their objectives re-derived, and what each of them must and must not do."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from symmbench import datasets, methods
from symmbench.bench.run.cost import EvaluationCounter
from symmbench.methods import Method, Sampling
from symmbench.methods.parts.labels import label_codec
from symmbench.methods.semflow import SemFlow
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.noise import Draws
from symmbench.symmflow.recipe import Recipe

CARD, IDS = datasets.card("digit-scenes"), ["a", "b", "c"]


def recipe(name: str, **overrides: object) -> Recipe:
    return methods.recipe(name, {"network.channels": 16, "network.head_channels": 16} | overrides)


def untrained(chosen: Recipe, seed: int = 0) -> Method:
    """A method with random weights, also where training starts from zeros."""
    kind, card = methods.method(chosen.method), datasets.card(chosen.dataset)
    torch.manual_seed(seed)
    network = kind.network(chosen, card)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    return kind(network.eval().requires_grad_(False), chosen, card)


def scenes(count: int = 3) -> tuple[Tensor, Tensor]:
    batch = datasets.load("digit-scenes", "validation").batch(range(count))
    return torch.from_numpy(batch.images), torch.from_numpy(batch.labels)


def recording(seen: dict[str, Tensor]) -> Callable[..., Tensor]:
    """A network that keeps what it was given and what it gave."""

    def network(z: Tensor, t: Tensor, classes: Tensor | None = None) -> Tensor:
        seen.update(z=z, t=t, out=torch.randn(z[:, :3].shape, generator=torch.Generator().manual_seed(0)))
        if classes is not None:
            seen["classes"] = classes
        return seen["out"]

    return network


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("perturb", [False, True])
def test_semflow_objective(reverse: bool, perturb: bool) -> None:
    chosen = recipe("digit-scenes/semflow", **{"options.reverse_time": reverse, "options.perturb": perturb})
    images, labels = scenes()
    draws, seen = Draws(0, IDS, scope="train/0"), dict[str, Tensor]()
    loss, _ = SemFlow.objective(chosen, CARD).loss(recording(seen), images, labels, draws)
    k, s, beta = chosen.labels.k, chosen.labels.s, chosen.labels.beta
    anchor = torch.stack([labels // k**2, labels // k % k, labels % k], dim=1) * s / 127.5 - 1  # SemFlow eq. 7
    if perturb:
        assert beta is not None
        anchor = anchor + beta / 127.5 * (2 * draws.uniform((3, 32, 32), "dequantize") - 1)
    t = draws.uniform((), "t").reshape(-1, 1, 1, 1)
    at_mask = (1 - t) if reverse else t
    torch.testing.assert_close(seen["z"], at_mask * anchor + (1 - at_mask) * images, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(seen["t"], t.flatten())
    velocity = images - anchor if reverse else anchor - images
    torch.testing.assert_close(loss, (seen["out"] - velocity).square().mean())


def test_semflow_segments_alike_with_every_seed_and_synthesizes_by_perturbation_alone() -> None:
    method = untrained(recipe("digit-scenes/semflow"))
    images, labels = scenes()
    with torch.inference_mode():
        masks = [next(method.segment(images, Sampling(Draws(s, IDS), (3,), "euler"))).classes for s in (0, 1)]
        assert torch.equal(*masks)

        def made(seed: int, draw: int = 0) -> Tensor:
            return next(method.synthesize(labels, Sampling(Draws(seed, IDS), (3,), "euler", draw)))

        assert torch.equal(made(0), made(0)) and not torch.equal(made(0), made(1))
        assert not torch.equal(made(0), made(0, draw=1))
        perturbed = made(0)
        method.inference = SemFlow.Inference(beta=0.0)
        clean = made(0)
        assert torch.equal(clean, made(1)) and not torch.equal(clean, perturbed)
        method = untrained(recipe("digit-scenes/semflow", **{"options.perturb": False}))
        assert torch.equal(made(0), clean) and torch.equal(made(1, draw=1), clean)
        method.inference = SemFlow.Inference(beta=method.recipe.labels.beta)
        assert torch.equal(made(0), perturbed)


def test_segmentations_of_the_bundled_semflow_have_no_variance_over_seeds() -> None:
    batch = datasets.load("digit-scenes", "test").batch(range(16))
    images = torch.from_numpy(batch.images)
    checkpoint = methods.checkpoint("semflow", "digit-scenes")
    method = methods.method("semflow").load(checkpoint, CARD, "cpu")
    with torch.inference_mode():
        few, many = zip(
            *(
                [r.classes for r in method.segment(images, Sampling(Draws(s, batch.ids), (1, 5), "euler"))]
                for s in (0, 1, 2)
            ),
            strict=True,
        )
    assert all(torch.equal(few[0], other) for other in few) and all(torch.equal(many[0], other) for other in many)
    assert (few[0] == torch.from_numpy(batch.labels)).float().mean() > 0.9


def test_bundled_rivals_do_what_they_were_trained_for() -> None:
    """Far from what a reversed time or exchanged channels would give (a tenth)."""
    batch = datasets.load("digit-scenes", "test").batch(range(16))
    method = methods.method("dsm").load(methods.checkpoint("dsm", "digit-scenes"), CARD, "cpu")
    images, draws = torch.from_numpy(batch.images), Draws(0, batch.ids)
    with torch.inference_mode():
        masks = next(method.segment(images, Sampling(draws, (10,), "ddim"))).classes
    assert (masks == torch.from_numpy(batch.labels)).float().mean() > 0.9
    digits, card = datasets.load("digits", "test").batch(range(60)), datasets.card("digits")
    labels, draws = torch.from_numpy(digits.labels), Draws(0, digits.ids)
    judge = methods.method("cnn").load(methods.checkpoint("cnn", "digits"), card, "cpu")
    for name in ("fm", "diffusion-classifier"):
        method = methods.method(name).load(methods.checkpoint(name, "digits"), card, "cpu")
        with torch.inference_mode():
            made = next(method.synthesize(labels, Sampling(draws, (10,), method.solvers("sis")[0])))
            seen = next(judge.classify(made, Sampling(draws))).classes
        assert (seen == labels).float().mean() > 0.9, name


def test_semflow_reversed_in_time_starts_at_the_other_end() -> None:
    images, _ = scenes()
    for reverse, times in ((False, [0.0, 0.5, 1.0]), (True, [1.0, 0.5, 0.0])):
        method, seen = untrained(recipe("digit-scenes/semflow", **{"options.reverse_time": reverse})), list[float]()
        keep = lambda t, z, seen=seen: seen.append(t)  # noqa: E731
        with torch.inference_mode():
            next(method.segment(images, Sampling(Draws(0, IDS), (2,), "euler", trace=keep)))
        assert seen == times


def test_semflow_needs_masks_of_the_images_shape() -> None:
    assert not SemFlow.supports("cls", 1, CARD) and not SemFlow.supports("ss", 1, datasets.card("digits"))
    with pytest.raises(InputError, match="codec"):
        SemFlow.network(recipe("digit-scenes/semflow", dataset="digits"), datasets.card("digits"))


def test_fm_objective_is_told_the_mask_beside_the_image() -> None:
    chosen = recipe("digit-scenes/fm")
    images, labels = scenes()
    draws, seen = Draws(0, IDS, scope="train/0"), dict[str, Tensor]()
    loss, _ = methods.method("fm").objective(chosen, CARD).loss(recording(seen), images, labels, draws)
    noise, t = draws.normal((3, 32, 32), "x"), draws.uniform((), "t").reshape(-1, 1, 1, 1)
    assert CARD.palette is not None
    colors = torch.tensor(CARD.palette)[labels].movedim(-1, 1) / 127.5 - 1
    torch.testing.assert_close(seen["z"], torch.cat([(1 - t) * noise + t * images, colors], dim=1))
    torch.testing.assert_close(seen["t"], t.flatten())
    torch.testing.assert_close(loss, (seen["out"] - (images - noise)).square().mean())


def noisy(x: Tensor, noise: Tensor, t: Tensor, betas: Tensor) -> Tensor:
    """Ho et al. 2020, eq. 4, at the integer timesteps under t [B]."""
    a = torch.cumprod(1 - betas, dim=0)[(t * len(betas)).long()].reshape(-1, 1, 1, 1)
    return a.sqrt() * x + (1 - a).sqrt() * noise


def test_the_classifiers_objective_is_the_noise_of_an_image_whose_class_is_told() -> None:
    chosen, card = recipe("digits/diffusion-classifier"), datasets.card("digits")
    batch = datasets.load("digits", "validation").batch(range(3))
    images, labels = torch.from_numpy(batch.images), torch.from_numpy(batch.labels)
    draws, seen = Draws(0, IDS, scope="train/0"), dict[str, Tensor]()
    loss, _ = (
        methods.method("diffusion-classifier").objective(chosen, card).loss(recording(seen), images, labels, draws)
    )
    noise, t = draws.normal((1, 8, 8), "x"), draws.uniform((), "t")
    torch.testing.assert_close(seen["z"], noisy(images, noise, t, torch.linspace(1e-4, 0.02, 1000)))
    torch.testing.assert_close(seen["t"], (t * 1000).floor() / 1000)
    assert torch.equal(seen["classes"], labels)
    torch.testing.assert_close(loss, (seen["out"] - noise).square().mean())


def test_class_conditional_methods_are_told_the_class_and_start_from_one_noise() -> None:
    labels = torch.tensor([3, 3, 7])
    same = Draws(0, ["a", "a", "a"])
    for name in ("digits/fm", "digits/diffusion-classifier"):
        method = untrained(recipe(name))
        solver = method.solvers("sis")[0]
        with torch.inference_mode():
            made = next(method.synthesize(labels, Sampling(same, (4,), solver)))
        assert made.shape == (3, 1, 8, 8)
        torch.testing.assert_close(made[0], made[1], atol=1e-5, rtol=0)
        assert not torch.allclose(made[0], made[2], atol=1e-3)


def test_dsm_denoises_masks_beside_the_image() -> None:
    chosen = recipe("digit-scenes/dsm")
    images, labels = scenes()
    draws, seen = Draws(0, IDS, scope="train/0"), dict[str, Tensor]()
    kind = methods.method("dsm")
    loss, _ = kind.objective(chosen, CARD).loss(recording(seen), images, labels, draws)
    codec = label_codec(chosen.labels, CARD)
    masks = codec.dequantize(codec.encode(labels, (32, 32)), draws.uniform((3, 32, 32), "dequantize"))
    noise, t = draws.normal((3, 32, 32), "y"), draws.uniform((), "t")
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    torch.testing.assert_close(seen["z"], torch.cat([noisy(masks, noise, t, betas), images], dim=1))
    torch.testing.assert_close(seen["t"], (t * 1000).floor() / 1000)
    torch.testing.assert_close(loss, (seen["out"] - noise).square().mean())
    refused = kind.supports("ss", 1, CARD)
    assert not refused and "one step" in refused.reason and kind.supports("ss", 2, CARD)
    method = untrained(chosen)
    with torch.inference_mode():
        a, b = (next(method.segment(images, Sampling(Draws(s, IDS), (2,), "ddim"))).classes for s in (0, 1))
        c = next(method.segment(images, Sampling(Draws(0, IDS), (2,), "ddpm"))).classes
    assert not torch.equal(a, b) and not torch.equal(a, c)


def test_the_papers_budget_of_the_classifier_is_spent_as_counted_on_the_network() -> None:
    method = untrained(recipe("digits/diffusion-classifier"))
    method.inference = method.Inference(keep=[5, 1], samples=[50, 500])
    batch = datasets.load("digits", "test").batch([0, 1])
    counter = EvaluationCounter()
    with counter.watch(method.networks), torch.inference_mode():
        next(method.classify(torch.from_numpy(batch.images), Sampling(Draws(0, batch.ids), (2750,))))
    assert counter.rows == 2 * 2750


@pytest.mark.parametrize("count", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_stages_give_what_every_class_at_every_timestep_gives(count: int) -> None:
    """On real digits; the stages drop five classes after 10 of 50 timesteps."""
    card, batch = datasets.card("digits"), datasets.load("digits", "test").batch(range(count))
    kind, images = methods.method("diffusion-classifier"), torch.from_numpy(batch.images)
    method = kind.load(methods.checkpoint("diffusion-classifier", "digits"), card, "cpu")
    found = []
    for keep, samples, budget in (((5, 1), (10, 50), 300), ((1,), (50,), 500)):
        method.inference = method.Inference(keep=keep, samples=samples)
        assert method.nfe("cls", budget, None) == budget
        with torch.inference_mode():
            made = next(method.classify(images, Sampling(Draws(0, batch.ids), (budget,))))
        found.append(made.classes)
    assert (found[0] == found[1]).float().mean() >= 0.98
    assert (found[1] == torch.from_numpy(batch.labels)).float().mean() > 0.85


def test_flow_and_diffusion_methods_have_networks_of_one_size() -> None:
    for dataset in ("digits", "digit-scenes"):
        sizes = {}
        for name in methods.recipe_names():
            chosen = methods.recipe(name)
            if chosen.dataset == dataset and chosen.method in (
                "symmflow",
                "semflow",
                "dsm",
                "fm",
                "diffusion-classifier",
            ):
                network = methods.method(chosen.method).network(chosen, datasets.card(dataset))
                sizes[name] = sum(p.numel() for p in network.parameters())
        assert len(sizes) >= 3 and max(sizes.values()) <= 1.1 * min(sizes.values()), sizes


def test_options_that_a_method_does_not_have_are_named() -> None:
    with pytest.raises(InputError, match=r"options: pertub: .*it takes perturb, reverse_time"):
        SemFlow.options_of(recipe("digit-scenes/semflow", **{"options.pertub": False}))
