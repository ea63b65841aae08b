"""What a training at full size needs: blocks computed again, half precision over whole weights, one kernel of AdamW."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from symmbench.symmflow.errors import InputError
from symmbench.symmflow.networks import build_network, checkpoint_gradients
from symmbench.symmflow.recipe import NetworkConfig, OptimizerConfig
from symmbench.symmflow.train.schedule import adamw

NETWORKS = {
    "unet": {"attention": (4,), "head_channels": 8},
    "sd-unet": {"heads": (2,), "context": 12, "tokens": 3},
}


def losses(folder: Path) -> list[dict[str, float]]:
    head, *rows = (folder / "checkpoint/training.csv").read_text().splitlines()
    return [dict(zip(head.split(","), map(float, row.split(",")), strict=True)) for row in rows]


@pytest.mark.parametrize("kind", NETWORKS)
def test_blocks_that_are_computed_again_give_the_same_gradients_from_less_memory(kind: str) -> None:
    config = NetworkConfig.model_validate(
        {"kind": kind, "channels": 16, "multipliers": (1, 2), "depth": 1, "dropout": 0.1, **NETWORKS[kind]}
    )
    z, t = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1)), torch.tensor([0.2, 0.7])

    def gradients(again: bool) -> tuple[list[torch.Tensor], int]:
        torch.manual_seed(0)
        network = build_network(config, in_channels=4, out_channels=4, size=(8, 8)).train()
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.1)  # zeros at the end would keep all others' gradients at zero
        for told in network.buffers():  # so would a prompt of zeros
            told.copy_(torch.randn(told.shape))
        if again:
            checkpoint_gradients(network)
        kept: dict[int, int] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            kept[tensor.data_ptr()] = tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = network(z, t).square().mean()
        loss.backward()
        return [p.grad for p in network.parameters() if p.grad is not None], sum(kept.values())

    (plain, memory), (again, less) = gradients(False), gradients(True)
    assert len(plain) == len(again) and all(gradient.abs().max() > 0 for gradient in plain)
    for one, other in zip(plain, again, strict=True):
        torch.testing.assert_close(one, other)
    assert less < memory


def test_a_training_that_computes_blocks_again_is_the_plain_one(
    tmp_path: Path, recipe: Any, trainer: Any, weights: Any
) -> None:
    again = recipe(gradient_checkpointing=True)
    trainer(tmp_path / "plain", recipe()).train(max_steps=10)
    trainer(tmp_path / "again", again).train(max_steps=10)
    assert losses(tmp_path / "again") == losses(tmp_path / "plain") != []
    a, b = weights(tmp_path / "again"), weights(tmp_path / "plain")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert again.hash == recipe().hash  # it is no other training


def test_a_network_without_such_blocks_says_so(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    made = trainer(tmp_path / "run", recipe(gradient_checkpointing=True))
    made.network = nn.Conv2d(4, 4, 1)
    with pytest.raises(InputError, match=r"set train\.gradient_checkpointing = false"):
        made.train()
    assert not (tmp_path / "run").exists()


def test_half_precision_keeps_whole_weights(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    """Parameters, gradients and AdamW's moments are fp32, and the losses are those of fp32 to bfloat16's 8 bits."""
    seen: set[torch.dtype] = set()

    def look(optimizer: Any, *_: Any) -> None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        kept = [value for state in optimizer.state.values() for value in state.values()]
        seen.update(tensor.dtype for tensor in [*parameters, *(p.grad for p in parameters), *kept])

    inside: set[torch.dtype] = set()
    made = trainer(tmp_path / "bf16", recipe(precision="bf16"))
    made.network.unet.mid_block.register_forward_hook(lambda _, __, out: inside.add(out.dtype))
    hook = register_optimizer_step_post_hook(look)
    try:
        made.train(max_steps=10)
    finally:
        hook.remove()
    assert seen == {torch.float32} and inside == {torch.bfloat16}
    trainer(tmp_path / "fp32", recipe()).train(max_steps=10)
    found = [[row["loss"] for row in losses(tmp_path / precision)] for precision in ("bf16", "fp32")]
    assert found[0] == pytest.approx(found[1], rel=2**-8) and found[0] != found[1]


@pytest.mark.parametrize(("first", "then"), [(False, True), (True, False)])
def test_either_kernel_of_adamw_goes_on_from_the_state_of_the_other(first: bool, then: bool) -> None:
    config = OptimizerConfig(lr=0.1, weight_decay=0.01)

    def steps(optimizer: torch.optim.Optimizer, weight: nn.Parameter, numbers: range) -> None:
        for number in numbers:
            weight.grad = torch.sin(weight.detach() + number)
            optimizer.step()

    def made(kernel: bool, start: torch.Tensor) -> tuple[torch.optim.Optimizer, nn.Parameter]:
        weight = nn.Parameter(start.clone())
        return adamw([weight], config, fused=kernel), weight

    start = torch.linspace(-1, 1, 7)
    whole, expected = made(False, start)
    steps(whole, expected, range(6))
    one, weight = made(first, start)
    steps(one, weight, range(3))
    other, weight = made(then, weight.detach())
    other.load_state_dict(one.state_dict())
    assert bool(other.param_groups[0]["fused"]) == then
    steps(other, weight, range(3, 6))
    torch.testing.assert_close(weight, expected)
