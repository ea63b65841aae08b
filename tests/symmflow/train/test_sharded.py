"""Networks that lie in pieces on several processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch.distributed.fsdp import FSDPModule

from symmbench import datasets, methods
from symmbench.symmflow.train.sharded import LEAST, is_sharded, shard


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
    shard(network, torch.device("meta"))
    assert all(is_sharded(parameter) for parameter in network.parameters())
    assert {name: parameter.numel() for name, parameter in network.named_parameters()} == sizes
    groups = [name for name, module in network.named_modules() if isinstance(module, FSDPModule)]
    assert isinstance(network, FSDPModule) and len(groups) > 20
    own = dict.fromkeys(groups, 0)
    for name, size in sizes.items():
        own[max((group for group in groups if not group or name.startswith(f"{group}.")), key=len)] += size
    assert all(size >= LEAST for group, size in own.items() if group) and max(own.values()) < sum(sizes.values()) / 8
