"""Trained velocities against the closed form where there is one: jointly Gaussian images and labels."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from symmbench.methods.semflow import SemFlowObjective, SemFlowOptions
from symmbench.symmflow.networks import MLP
from symmbench.symmflow.noise import Draws
from symmbench.symmflow.objective import Objective, SymmFlowObjective
from symmbench.symmflow.path import SymmetricPath
from symmbench.symmflow.recipe import NetworkConfig

# (x, y) = L g with g ~ N(0, 1): two channels of image, two of label, coupled
L = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.5, 0.8, 0.0, 0.0], [0.7, -0.4, 0.5, 0.0], [-0.3, 0.6, 0.2, 0.4]])
TIMES = [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95]


class Continuous:
    """A codec of labels that are signals already."""

    channels, num_classes = 2, 0

    def encode(self, labels: Tensor, spatial: object) -> Tensor:
        return labels

    def dequantize(self, clean: Tensor, uniform: Tensor) -> Tensor:
        return clean


def train(objective: Objective, channels: int) -> MLP:
    torch.manual_seed(0)
    network = MLP(NetworkConfig(kind="mlp", channels=96, depth=3), channels, channels)
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=0)
    steps, batch = 1500, 2048
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        pair = torch.randn(batch, 4) @ L.T
        draws = _Torch(step, batch)
        loss, _ = objective.loss(network, pair[:, :2], pair[:, 2:], draws)  # type: ignore[arg-type]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


class _Torch(Draws):
    """Draws of a whole batch at once: what is tested is the objective, not the addressing."""

    def __init__(self, step: int, batch: int) -> None:
        super().__init__(step, [""] * batch)

    def normal(self, shape: object, stream: str, draw: int = 0) -> Tensor:
        return torch.randn(len(self.ids), *shape)  # type: ignore[misc]

    def uniform(self, shape: object, stream: str, draw: int = 0) -> Tensor:
        return torch.rand(len(self.ids), *shape)  # type: ignore[misc]


def symmflow_truth(t: float) -> tuple[Tensor, Tensor]:
    """State s = A g and velocity v = B g of g = (x and y's four, noise_x, noise_y), by eq. 1 and 2 written out."""
    zero, one = torch.zeros(2, 2), torch.eye(2)
    x, y = torch.cat([L[:2], zero, zero], 1), torch.cat([L[2:], zero, zero], 1)  # [2, 8]
    noise_x = torch.cat([torch.zeros(2, 4), one, zero], 1)
    noise_y = torch.cat([torch.zeros(2, 4), zero, one], 1)
    state = torch.cat([(1 - t) * noise_x + t * x, (1 - t) * y + t * noise_y])
    return state, torch.cat([x - noise_x, noise_y - y])


def semflow_truth(t: float) -> tuple[Tensor, Tensor]:
    """z_t = (1 - t) image + t mask and v = mask - image."""
    return (1 - t) * L[:2] + t * L[2:], L[2:] - L[:2]


def best(truth: Callable[[float], tuple[Tensor, Tensor]], t: float) -> tuple[Tensor, Tensor]:
    """The state's map A and the best prediction E[v | s] = B A^T (A A^T)^-1 s as a matrix."""
    a, b = truth(t)
    return a, b @ a.T @ torch.linalg.inv(a @ a.T)


def error(network: MLP, truth: Callable[[float], tuple[Tensor, Tensor]], expected: Callable[[float], Tensor]) -> float:
    """Largest relative L2 error over the times, on states as they occur."""
    worst = 0.0
    for t in TIMES:
        a, _ = best(truth, t)
        states = torch.randn(4000, a.shape[1], generator=torch.Generator().manual_seed(1)) @ a.T
        with torch.inference_mode():
            found = network(states, torch.full((4000,), t))
        right = states @ expected(t).T
        worst = max(worst, float((found - right).norm() / right.norm()))
    return worst


@pytest.mark.parametrize(
    ("objective", "channels", "truth"),
    [
        (SymmFlowObjective(Continuous(), SymmetricPath()), 4, symmflow_truth),
        (SemFlowObjective(Continuous(), SemFlowOptions()), 2, semflow_truth),
    ],
    ids=["symmflow", "semflow"],
)
def test_the_trained_velocity_is_the_closed_form(
    objective: Objective, channels: int, truth: Callable[[float], tuple[Tensor, Tensor]]
) -> None:
    network = train(objective, channels)
    assert error(network, truth, lambda t: best(truth, t)[1]) < 0.05
    assert error(network, truth, lambda t: -best(truth, t)[1]) > 0.5  # the sign flipped
    assert error(network, truth, lambda t: best(truth, 1 - t)[1]) > 0.2  # time reversed
