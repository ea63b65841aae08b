import numpy as np
import torch

from symmbench.symmflow.noise import NOISE_VERSION, Draws, generator

PINNED = [-0.4300901, -0.5689529, -0.6831121]
IDS = [f"test-{i:05d}" for i in range(64)]


def test_draws_do_not_depend_on_batch_or_order() -> None:
    whole = Draws(3, IDS).normal((3, 4, 4), "x")
    for size in (1, 7, 64):
        parts = [Draws(3, IDS[i : i + size]).normal((3, 4, 4), "x") for i in range(0, 64, size)]
        assert torch.equal(torch.cat(parts), whole)
    assert torch.equal(Draws(3, IDS[::-1]).normal((3, 4, 4), "x").flip(0), whole)


def test_every_part_of_the_address_counts() -> None:
    base = Draws(0, ["a"]).normal((8,), "x")
    others = [
        Draws(1, ["a"]).normal((8,), "x"),
        Draws(0, ["b"]).normal((8,), "x"),
        Draws(0, ["a"]).normal((8,), "y"),
        Draws(0, ["a"]).normal((8,), "x", draw=1),
        Draws(0, ["a"], scope="train/0").normal((8,), "x"),
    ]
    assert all(not torch.equal(base, other) for other in others)


def test_moments() -> None:
    n = Draws(0, [str(i) for i in range(2000)]).normal((10,), "x")
    assert abs(n.mean()) < 0.03 and abs(n.std() - 1) < 0.03
    u = Draws(0, [str(i) for i in range(2000)]).uniform((10,), "x")
    assert u.min() >= 0 and u.max() < 1 and abs(u.mean() - 0.5) < 0.01


def test_pinned_values_of_this_noise_version() -> None:
    """If this fails, draws have changed: raise NOISE_VERSION, so that old records are not taken for new ones."""
    assert NOISE_VERSION == "philox4x64-numpy-1"
    drawn = generator("evaluation", 0, "test-00000", "x").standard_normal(3, dtype=np.float32)
    np.testing.assert_allclose(drawn, PINNED, rtol=1e-6)
