"""The staged classifier against brute force."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from symmbench.methods.parts.diffusion import Diffusion, DiffusionOptions
from symmbench.methods.parts.stages import Stages, noise_errors, staged
from symmbench.symmflow.noise import Draws

IDS = [f"s{i}" for i in range(4)]


def test_stages_of_the_paper_take_2750_evaluations() -> None:
    plan = Stages().within(2750, 10, 1000)
    assert [(classes, len(tried)) for classes, tried in plan] == [(10, 50), (5, 450)]
    assert Stages().evaluations(2750, 10, 1000) == 10 * 50 + 5 * 450
    tried = sorted(k for _, grid in plan for k in grid)
    assert len(set(tried)) == 500 and set(np.diff(tried)) == {2}  # evenly spaced, each once
    assert Stages().within(9, 10, 1000) == ()


@given(
    st.integers(1, 4000), st.integers(2, 40), st.sampled_from([Stages(), Stages(keep=(7, 3, 1), samples=(2, 9, 40))])
)
@settings(max_examples=60, deadline=None)
def test_stages_never_exceed_their_budget(budget: int, classes: int, stages: Stages) -> None:
    plan = stages.within(budget, classes, 1000)
    assert bool(plan) == (budget >= classes)
    assert sum(c * len(tried) for c, tried in plan) <= budget
    tried = [k for _, grid in plan for k in grid]
    assert len(tried) == len(set(tried)) and all(0 <= k < 1000 for k in tried)


def test_staged_elimination_against_brute_force() -> None:
    table = torch.rand(6, 10, 1000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    asked = 0

    def errors(classes: Tensor, timesteps: Sequence[int]) -> Tensor:
        nonlocal asked
        asked += classes.shape[1] * len(timesteps)
        return torch.stack([table[i, c][:, timesteps].sum(1) for i, c in enumerate(classes)])

    plan = Stages(keep=(4, 1), samples=(5, 50)).within(1000, 10, 1000)
    scores = staged(errors, 6, 10, plan)
    assert asked == sum(classes * len(tried) for classes, tried in plan)
    first, every = list(plan[0][1]), sorted(plan[0][1] + plan[1][1])
    for i in range(6):
        early = table[i][:, first].mean(1)
        kept = early.argsort()[:4]
        final = table[i][:, every].mean(1)
        assert int(scores[i].argmax()) == int(kept[final[kept].argmin()])
        torch.testing.assert_close(scores[i, kept], -final[kept])
        dropped = sorted(set(range(10)) - set(kept.tolist()), key=lambda c: float(early[c]))
        order = scores[i].argsort(descending=True).tolist()
        assert order[4:] == dropped  # below all that were kept, in the order of the stage that dropped them


def test_errors_share_one_noise_over_classes_and_do_not_depend_on_the_batch() -> None:
    diffusion, draws = Diffusion(DiffusionOptions()), Draws(3, IDS)
    x = torch.rand(4, 1, 4, 4) * 2 - 1

    def predict(z: Tensor, k: Tensor, classes: Tensor) -> Tensor:
        return z * (classes + 1).reshape(-1, 1, 1, 1) / 10 + (k / 1000).reshape(-1, 1, 1, 1)

    classes = torch.tensor([[0, 1, 2], [2, 1, 0], [5, 6, 7], [9, 0, 3]])
    timesteps = [5, 500, 995]
    for kind in ("l1", "l2"):
        found = noise_errors(predict, x, diffusion, draws, kind)(classes, timesteps)
        for i in range(4):
            for j, c in enumerate(classes[i]):
                total = 0.0
                for k in timesteps:
                    at = torch.tensor([k])
                    noise = draws.normal((1, 4, 4), f"eps/{k}")[i : i + 1]
                    off = predict(diffusion.noised(x[i : i + 1], noise, at), at, c.reshape(1)) - noise
                    total += float((off.abs() if kind == "l1" else off.square()).mean())
                assert float(found[i, j]) == pytest.approx(total, rel=1e-5)
        alone = noise_errors(predict, x[2:3], diffusion, Draws(3, IDS[2:3]), kind)(classes[2:3], timesteps)
        torch.testing.assert_close(alone, found[2:3])
