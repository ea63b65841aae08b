"""Learning rates."""

from typing import Any

import pytest
import torch

from symmbench.symmflow.train.schedule import learning_rate


@pytest.mark.parametrize("kind", ["cosine", "linear", "one-cycle", "constant"])
def test_schedules_warm_up_and_end_where_they_should(kind: str, recipe: Any) -> None:
    chosen = recipe()
    chosen = chosen.model_copy(update={"schedule": chosen.schedule.model_copy(update={"kind": kind, "warmup": 4})})
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=chosen.optimizer.lr)
    schedule = learning_rate(chosen, optimizer)
    rates = []
    for _ in range(20):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert rates[0] < 1e-4 and max(rates) == pytest.approx(1e-3, rel=0.01)
    assert rates[-1] == pytest.approx(1e-3) if kind == "constant" else rates[-1] < 1e-4
