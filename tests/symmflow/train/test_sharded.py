"""Networks that lie in pieces on several processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from accelerate.utils import FullyShardedDataParallelPlugin
from torch import nn
from torch.distributed.fsdp import FSDPModule

from symmbench import datasets, methods
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.train.sharded import LEAST, is_sharded, shard, shard_as_told


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[None]:
    """A group of one process."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def test_the_papers_network_is_sharded_in_groups(alone: None) -> None:
    """Stable Diffusion 2.1's, without memory for it: every parameter in pieces, and no group holds most of them."""
    recipe = methods.recipe("celebamask-hq/symmflow")
    with torch.device("meta"):
        network = methods.method(recipe.method).network(recipe, datasets.card(recipe.dataset))
    sizes = {name: parameter.numel() for name, parameter in network.named_parameters()}
    shard(network, torch.device("cpu"))
    assert all(is_sharded(parameter) for parameter in network.parameters())
    assert {name: parameter.numel() for name, parameter in network.named_parameters()} == sizes
    groups = [name for name, module in network.named_modules() if isinstance(module, FSDPModule)]
    assert isinstance(network, FSDPModule) and len(groups) > 20
    own = dict.fromkeys(groups, 0)
    for name, size in sizes.items():
        own[max((group for group in groups if not group or name.startswith(f"{group}.")), key=len)] += size
    assert all(size >= LEAST for group, size in own.items() if group) and max(own.values()) < sum(sizes.values()) / 8


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"fsdp_version": 1}, "FSDP of the first version is not trained with; set fsdp_version: 2"),
        ({"activation_checkpointing": True}, "set train.gradient_checkpointing in the recipe"),
        ({"cpu_offload": True}, "set fsdp_offload_params: false"),
    ],
)
def test_what_is_not_trained_with(told: dict[str, Any], said: str) -> None:
    plugin = FullyShardedDataParallelPlugin(**{"fsdp_version": 2} | told)
    with pytest.raises(InputError, match=said):
        shard_as_told(nn.Linear(2, 2), plugin, torch.device("cpu"))
