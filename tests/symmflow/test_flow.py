import torch
from torch import nn

from symmbench.symmflow.flow import SymmFlow
from symmbench.symmflow.labels import ClassMap, Palette
from symmbench.symmflow.noise import Draws
from symmbench.symmflow.objective import SymmFlowObjective
from symmbench.symmflow.path import SymmetricPath

COLORS = ((0.0, 0.0, 0.0), (255.0, 0.0, 0.0), (0.0, 255.0, 0.0))


class Oracle(nn.Module):
    """The exact conditional velocity when every image is the constant of its class: x = c - 1, y its colour.

    Near t = 1 the class is read from x_t, near t = 0 from y_t; the velocity points from the state at t to both ends.
    """

    def __init__(self, codec: Palette) -> None:
        super().__init__()
        self.codec = codec

    def forward(self, z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        x, y = z[:, :1], z[:, 1:]
        t = t.reshape(-1, 1, 1, 1)
        seen = y.mean(dim=(2, 3))[:, None] - (1 - t[:, 0]) * self.codec.table()  # [B, K, 3]
        from_y = seen.square().sum(-1).argmin(1)
        from_x = (x.mean(dim=(1, 2, 3)) + 1).round().clamp(0, 2).long()
        classes = torch.where(t.flatten() > 0.5, from_x, from_y).reshape(-1, 1, 1).expand(len(x), *x.shape[2:])
        image, label = classes[:, None].float() - 1, self.codec.encode(classes, classes.shape[1:])
        v_x = torch.where(t < 1, (image - x) / (1 - t).clamp_min(1e-6), image * 0)
        v_y = torch.where(t > 0, (y - label) / t.clamp_min(1e-6), label * 0)
        return torch.cat([v_x, v_y], dim=1)


def test_one_step_ends_are_the_closed_forms() -> None:
    """x_hat = xi_x + v_x(xi_x, y, 0); y_hat = xi_y - v_y(x, xi_y, 1)."""
    codec, ids = Palette(COLORS, beta=5), ["a", "b"]
    net = nn.Conv2d(4, 4, 3, padding=1)
    flow = SymmFlow(lambda z, t: net(z) * (1 + t.reshape(-1, 1, 1, 1)), codec, image_channels=1)  # type: ignore[arg-type]
    draws = Draws(0, ids)
    mask = torch.randint(0, 3, (2, 6, 6))
    noise = draws.normal((1, 6, 6), "x")
    label = codec.dequantize(codec.encode(mask, (6, 6)), draws.uniform((3, 6, 6), "dequantize"))
    expected = noise + net(torch.cat([noise, label], 1))[:, :1]
    assert torch.allclose(flow.synthesize(mask, draws, steps=1, size=(6, 6)), expected, atol=1e-6)
    image, noise_y = torch.randn(2, 1, 6, 6), draws.normal((3, 6, 6), "y")
    expected = noise_y - 2 * net(torch.cat([image, noise_y], 1))[:, 1:]
    assert torch.allclose(flow.labels(image, draws, steps=1, solver="euler"), expected, atol=1e-6)


def test_a_perfect_field_segments_and_synthesizes_at_any_step_count() -> None:
    codec = Palette(COLORS, beta=5)
    flow = SymmFlow(Oracle(codec), codec, image_channels=1)
    classes = torch.tensor([0, 1, 2])
    masks = classes.reshape(3, 1, 1).expand(3, 16, 16)
    images = (masks[:, None].float() - 1).contiguous()
    draws = Draws(0, ["a", "b", "c"])
    for steps in (1, 4):
        assert torch.equal(flow.segment(images, draws, steps=steps), masks)
        assert torch.allclose(flow.synthesize(masks, draws, steps=steps, size=(16, 16)), images, atol=1e-4)


def test_draws_of_one_label_differ() -> None:
    codec = ClassMap(3)
    flow = SymmFlow(lambda z, t: torch.zeros_like(z), codec, image_channels=1)  # type: ignore[arg-type]
    first, second = (flow.synthesize(torch.tensor([1]), Draws(0, ["a"]), steps=1, size=(4, 4), draw=d) for d in (0, 1))
    assert not torch.equal(first, second)


def test_loss_is_equation_three_by_hand() -> None:
    """The mean over all channels of the squared error; with a weight, w MSE_x + (1 - w) MSE_y."""
    codec = Palette(COLORS, beta=5)
    images, masks, draws = (
        torch.randn(2, 1, 4, 4),
        torch.randint(0, 3, (2, 4, 4)),
        Draws(0, ["a", "b"], scope="train/3"),
    )
    seen: list[torch.Tensor] = []

    def zero(z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        seen.append(z)
        return torch.zeros_like(z)

    loss, parts = SymmFlowObjective(codec, SymmetricPath()).loss(zero, images, masks, draws)
    y = codec.dequantize(codec.encode(masks, (4, 4)), draws.uniform((3, 4, 4), "dequantize"))
    nx, ny = draws.normal((1, 4, 4), "x"), draws.normal((3, 4, 4), "y")
    target = torch.cat([images - nx, ny - y], 1)
    assert torch.allclose(loss, target.square().mean())
    t = draws.uniform((), "t").reshape(-1, 1, 1, 1)
    assert torch.allclose(seen[0], torch.cat([(1 - t) * nx + t * images, (1 - t) * y + t * ny], 1))
    weighted, _ = SymmFlowObjective(codec, SymmetricPath(), image_weight=0.9).loss(zero, images, masks, draws)
    assert torch.allclose(weighted, 0.9 * parts["mse_x"] + 0.1 * parts["mse_y"])
