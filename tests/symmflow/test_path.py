import pytest
import torch

from symmbench.symmflow.labels import ClassMap
from symmbench.symmflow.path import SymmetricPath


@pytest.mark.parametrize("sigma_min", [0.0, 1e-4, 0.1])
def test_velocity_is_the_time_derivative_of_the_path(sigma_min: float) -> None:
    path = SymmetricPath(sigma_min)
    x, nx = torch.randn(2, 4, 3, 5, 5, dtype=torch.float64)
    y, ny = torch.randn(2, 4, 2, 5, 5, dtype=torch.float64)
    h, t = 1e-6, torch.rand(4, dtype=torch.float64)
    after, before = path.interpolate(x, y, nx, ny, t + h), path.interpolate(x, y, nx, ny, t - h)
    for a, b, v in zip(after, before, path.velocity(x, y, nx, ny), strict=True):
        assert torch.allclose((a - b) / (2 * h), v, atol=1e-8)


def test_ends_of_the_papers_path() -> None:
    x, nx, y, ny = torch.randn(4, 3, 2)
    start = SymmetricPath().interpolate(x, y, nx, ny, torch.zeros(3))
    end = SymmetricPath().interpolate(x, y, nx, ny, torch.ones(3))
    assert torch.equal(start[0], nx) and torch.equal(start[1], y)
    assert torch.equal(end[0], x) and torch.equal(end[1], ny)


def test_official_path_keeps_sigma_min_of_the_noise_at_the_clean_ends() -> None:
    x, nx, y, ny = torch.randn(4, 3, 2, dtype=torch.float64)
    x_1, y_1 = SymmetricPath(1e-2).interpolate(x, y, nx, ny, torch.ones(3, dtype=torch.float64))
    assert torch.allclose(x_1, x + 1e-2 * nx) and torch.allclose(y_1, ny + 1e-2 * y)


def test_two_gaussians_with_known_coupling_are_recovered() -> None:
    """x ~ N(0, 1) and y = class +-1: at t the best velocity is linear in the state; see below for its closed form."""
    path, codec = SymmetricPath(), ClassMap(2, "official", eta=2, beta=0.0)
    n, t = 200_000, 0.3
    x, nx, ny = torch.randn(3, n, 1, generator=torch.Generator().manual_seed(0))
    y = codec.encode(torch.arange(n) % 2, ())
    x_t, _ = path.interpolate(x, y, nx, ny, torch.full((n,), t))
    v_x, _ = path.velocity(x, y, nx, ny)
    # E[v_x | x_t] = Cov(v_x, x_t) / Var(x_t) x_t = (t - (1 - t)) / (t^2 + (1 - t)^2) x_t
    slope = (v_x * x_t).mean() / x_t.square().mean()
    assert slope.item() == pytest.approx((2 * t - 1) / (t**2 + (1 - t) ** 2), abs=0.01)
