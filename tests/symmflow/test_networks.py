import pytest
import torch
from diffusers.models.attention_processor import Attention

from symmbench.symmflow.errors import InputError
from symmbench.symmflow.networks import UNet, build_network
from symmbench.symmflow.recipe import NetworkConfig

SMALL = NetworkConfig(channels=8, multipliers=(1, 2), depth=1, attention=(4,), head_channels=8, patch=2)


def test_unet_keeps_size_and_takes_non_square_images() -> None:
    network = build_network(SMALL, in_channels=4, out_channels=6, size=(16, 24))
    assert network(torch.randn(3, 4, 16, 24), torch.rand(3)).shape == (3, 6, 16, 24)


def test_unet_starts_at_zero_and_depends_on_time_once_trained() -> None:
    network = build_network(SMALL, in_channels=4, out_channels=4, size=(16, 16))
    z = torch.randn(2, 4, 16, 16)
    assert network(z, torch.rand(2)).abs().max() == 0  # as Guided Diffusion initialises it
    for p in network.parameters():
        torch.nn.init.normal_(p, std=0.1)
    assert not torch.allclose(network(z, torch.zeros(2)), network(z, torch.ones(2)))


def test_table_8_networks_have_the_papers_shape() -> None:
    """Widths 32 x (1, 2, 2, 2), two blocks a level, attention at 16 and in the middle."""
    config = NetworkConfig(channels=32, multipliers=(1, 2, 2, 2), depth=2, attention=(16,), head_channels=64)
    unet = build_network(config, in_channels=2, out_channels=2, size=(32, 32)).unet
    assert [block.resnets[0].out_channels for block in unet.down_blocks] == [32, 64, 64, 64]
    assert [len(block.resnets) for block in unet.down_blocks] == [2] * 4
    assert [len(block.resnets) for block in unet.up_blocks] == [3] * 4
    assert [hasattr(block, "attentions") for block in unet.down_blocks] == [False, True, False, False]
    assert [hasattr(block, "attentions") for block in unet.up_blocks] == [False, False, True, False]
    assert len(unet.mid_block.attentions) == 1
    assert all(module.group_norm is not None for module in unet.modules() if isinstance(module, Attention))


def test_huge_logits_of_attention_without_a_norm_leave_gradients_finite() -> None:
    """Logits of 1e8, as an unnormalised residual stream can give them."""
    torch.manual_seed(0)
    network = build_network(
        SMALL.model_copy(update={"middle_norm": False}), in_channels=4, out_channels=4, size=(16, 16)
    )
    for p in network.parameters():
        torch.nn.init.normal_(p, std=0.3)
    attention = network.unet.mid_block.attentions[0]
    assert attention.group_norm is None
    for p in (attention.to_q.weight, attention.to_k.weight):
        torch.nn.init.normal_(p, std=2e3)
    with torch.autocast("cpu", torch.bfloat16):
        network(torch.randn(8, 4, 16, 16), torch.rand(8)).float().square().mean().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


def test_a_norm_that_is_always_there_cannot_be_left_out() -> None:
    added = SMALL.model_copy(update={"time": "add"})
    network = build_network(added, in_channels=4, out_channels=4, size=(16, 16))
    assert network.unet.mid_block.attentions[0].group_norm is not None
    with pytest.raises(InputError, match=r"middle_norm = false goes with network\.time = 'scale-shift'"):
        build_network(added.model_copy(update={"middle_norm": False}), in_channels=4, out_channels=4, size=(16, 16))


def test_toy_mlp_tells_the_two_ends_of_time_apart() -> None:
    network = build_network(NetworkConfig(kind="mlp", channels=32, depth=2), in_channels=3, out_channels=3, size=())
    z = torch.randn(4, 3)
    assert (network(z, torch.zeros(4)) - network(z, torch.ones(4))).abs().mean() > 1e-3


@pytest.mark.parametrize("size", [(15, 16), (16, 18)])
def test_sizes_that_do_not_fit_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="divide by 4"):
        build_network(SMALL, in_channels=4, out_channels=4, size=size)


def test_kinds_and_data_must_agree() -> None:
    with pytest.raises(InputError, match="takes points"):
        build_network(NetworkConfig(kind="mlp"), in_channels=3, out_channels=3, size=(8, 8))
    with pytest.raises(InputError, match="takes images"):
        build_network(SMALL, in_channels=3, out_channels=3, size=())


def test_gain_adds_the_scaled_input_a_channel() -> None:
    config = NetworkConfig(channels=16, multipliers=(1, 1), attention=(), head_channels=16, gain=True)
    network = build_network(config, in_channels=5, out_channels=2, size=(8, 8))
    z, t = torch.randn(3, 5, 8, 8), torch.tensor([0.0, 0.5, 1.0])
    assert torch.equal(network(z, t), torch.zeros(3, 2, 8, 8))  # training starts from zero, with it too
    assert isinstance(network, UNet) and isinstance(network.gain, torch.nn.Sequential)
    torch.nn.init.constant_(network.gain[-1].bias, 2.0)
    torch.testing.assert_close(network(z, t), 2 * z[:, :2])


@pytest.mark.parametrize(("kind", "size"), [("mlp", (16, 16)), ("unet", ()), ("cnn", (16, 16)), ("cnn", ())])
def test_kinds_that_do_not_fit_are_refused(kind: str, size: tuple[int, ...]) -> None:
    config = SMALL.model_copy(update={"kind": kind})
    with pytest.raises(InputError, match=rf"network\.kind = '{kind}'.*choose"):
        build_network(config, in_channels=4, out_channels=4, size=size)
