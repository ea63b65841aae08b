"""Where a few steps lie among a diffusion's timesteps, and that there need not be a thousand of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from symmbench import datasets, methods
from symmbench.bench.records import Store
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.sweep import sweep
from symmbench.methods import Sampling
from symmbench.methods.parts.diffusion import Diffusion, DiffusionOptions, Spacing, grid
from symmbench.methods.parts.stages import Stages
from symmbench.symmflow.checkpoint import save_checkpoint
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.noise import Draws

SPACINGS: tuple[Spacing, ...] = ("trailing", "leading", "linspace")


@pytest.mark.parametrize("timesteps", [1000, 100, 37])
@pytest.mark.parametrize("spacing", ["leading", "linspace"])
def test_grids_are_those_of_diffusers(spacing: Spacing, timesteps: int) -> None:
    theirs = DDIMScheduler(num_train_timesteps=timesteps, timestep_spacing=spacing)
    for steps in range(1, min(timesteps, 200) + 1):
        theirs.set_timesteps(steps)
        assert grid(spacing, steps, timesteps) == theirs.timesteps.tolist()


@pytest.mark.parametrize("spacing", SPACINGS)
def test_every_grid_has_as_many_timesteps_as_steps_each_once_and_falling(spacing: Spacing) -> None:
    for timesteps in (2, 37, 1000):
        for steps in range(1, timesteps + 1):
            found = grid(spacing, steps, timesteps)
            assert len(found) == steps and all(np.diff(found) < 0) and 0 <= found[-1] <= found[0] < timesteps
    for steps in (0, 101):
        with pytest.raises(InputError, match="choose 1-100"):
            grid(spacing, steps, 100)


def test_trailing_has_the_last_timestep_leading_the_first_and_linspace_both() -> None:
    ends = {spacing: (grid(spacing, 5, 1000)[0], grid(spacing, 5, 1000)[-1]) for spacing in SPACINGS}
    assert ends == {"trailing": (999, 199), "leading": (800, 0), "linspace": (999, 0)}


@pytest.mark.parametrize("spacing", SPACINGS)
def test_ddim_goes_from_each_timestep_of_the_grid_to_the_next(spacing: Spacing) -> None:
    """Song et al. 2021, eq. 12, eta = 0; diffusers' own DDIM goes down by T // N from wherever it is."""
    options = DiffusionOptions(timesteps=100, beta_end=0.1)
    a = torch.cumprod(1 - torch.linspace(1e-4, 0.1, 100, dtype=torch.float64), 0)

    def bent(z: Tensor, t: Tensor) -> Tensor:
        return torch.tanh(z) * (0.5 + t.reshape(-1, 1))

    start = Draws(0, ["a", "b"]).normal((3,), "x")
    sampling = Sampling(Draws(0, ["a", "b"]), (4,), "ddim")
    ours = next(Diffusion(options).samples(bent, start, sampling, spacing))
    state, visited = start.double(), grid(spacing, 4, 100)
    for k, after in zip(visited, [*visited[1:], None], strict=True):
        eps = bent(state, torch.full((2,), k / 100, dtype=torch.float64))
        clean = (state - (1 - a[k]).sqrt() * eps) / a[k].sqrt()
        state = clean if after is None else a[after].sqrt() * clean + (1 - a[after]).sqrt() * eps
    torch.testing.assert_close(ours.double(), state, rtol=1e-3, atol=1e-3)


def test_stages_of_fewer_timesteps_try_each_at_most_once() -> None:
    stages = Stages()
    for timesteps, full in ((1000, 2750), (100, 10 * 10 + 5 * 90)):
        assert stages.full(10, timesteps) == full
        plan_ = stages.within(full, 10, timesteps)
        tried = [k for _, times in plan_ for k in times]
        assert stages.evaluations(full, 10, timesteps) == full and len(set(tried)) == len(tried)
        assert max(tried) < timesteps and len(tried) == min(500, timesteps)


def test_the_classifiers_error_is_the_papers_for_cifar_10() -> None:
    for name in ("diffusion-classifier", "sd-classifier"):
        kind = methods.method(name)
        assert kind.Inference().error == "l1" and kind.version == 2  # cells of version 1 had l2


def untrained(folder: Path, name: str, **overrides: Any) -> Path:
    recipe = methods.recipe(name, {"network.channels": 16, "network.head_channels": 16} | overrides)
    torch.manual_seed(0)
    network = methods.method(recipe.method).network(recipe, datasets.card(recipe.dataset))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    save_checkpoint(folder, network.state_dict(), recipe, "", trained_steps=0)
    return folder


@pytest.mark.parametrize(
    ("name", "task", "dataset"), [("dsm", "ss", "digit-scenes"), ("diffusion-classifier", "sis", "digits")]
)
def test_what_a_diffusion_supports_is_what_its_checkpoint_has_timesteps_for(
    tmp_path: Path, name: str, task: str, dataset: str
) -> None:
    made = untrained(tmp_path / "c", f"{dataset}/{name}", **{"options.timesteps": 20})
    request = Request(
        methods=[name], tasks=[task], datasets=[dataset], steps=[2, 20, 21], checkpoint=str(made), limit=2,
        out=tmp_path / "r", device="cpu",
    )  # fmt: skip
    outcome = sweep(plan(request), request)
    assert [(r.status, r.steps, r.nfe) for r in outcome.records] == [("ok", 2, 2), ("ok", 20, 20)]
    (left,) = outcome.unsupported
    assert left.steps == 21 and left.reason == "21 steps are more than the diffusion's 20 timesteps"
    kind, card = methods.method(name), datasets.card(dataset)
    recipe = methods.recipe(f"{dataset}/{name}")
    assert kind.supports(task, 1000, card, recipe) and not kind.supports(task, 1001, card, recipe)


def test_a_classifier_of_few_timesteps_spends_its_budget_as_counted(tmp_path: Path) -> None:
    made = untrained(tmp_path / "c", "digits/diffusion-classifier", **{"options.timesteps": 20})
    request = Request(
        methods=["diffusion-classifier"], tasks=["cls"], steps=[25, 110, 5000], checkpoint=str(made), limit=2,
        out=tmp_path / "r", device="cpu",
    )  # fmt: skip
    records = sweep(plan(request), request).records
    assert [(r.status, r.nfe) for r in records] == [("ok", 25), ("ok", 110), ("ok", 10 * 2 + 5 * 18)]
    assert {r.checkpoint.options["timesteps"] for r in records} == {20}


def test_the_spacing_is_a_part_of_the_cell_and_its_default_moves_no_key(tmp_path: Path) -> None:
    made = untrained(tmp_path / "c", "digit-scenes/dsm")

    def run(options: dict[str, Any]) -> Any:
        request = Request(
            methods=["dsm"], tasks=["ss"], steps=[2], checkpoint=str(made), limit=2, out=tmp_path / "r", device="cpu",
            options=options,
        )  # fmt: skip
        (cell,) = sweep(plan(request), request).cells
        return cell

    plain, trailing, leading = (run(o) for o in ({}, {"spacing": "trailing"}, {"spacing": "leading"}))
    assert plain.record.key == trailing.record.key != leading.record.key and plain.record.cell.options == {}
    assert leading.record.cell.options == {"spacing": "leading"} == leading.record.options
    masks = [dict(cell.evidence.masks()) for cell in (plain, leading)]
    assert any(not np.array_equal(masks[0][i], masks[1][i]) for i in masks[0])
    assert len(list(Store(tmp_path / "r").items())) == 2
    with pytest.raises(InputError, match=r"spacing: input should be 'trailing', 'leading' or 'linspace'"):
        run({"spacing": "cosine"})
