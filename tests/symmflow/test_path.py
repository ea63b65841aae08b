import pytest
import torch

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
    x, nx, y, ny = torch.randn(4, 3, 2)
    path = SymmetricPath(1e-2)
    assert torch.allclose(path.interpolate(x, y, nx, ny, torch.ones(3))[0], x + 1e-2 * nx)
    assert torch.allclose(path.interpolate(x, y, nx, ny, torch.ones(3))[1], ny + 1e-2 * y)
