"""Tensors that lie in pieces on several processes (DTensors: FSDP2, whoever applied it), beside those that do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError

WRAPPERS = ("_checkpoint_wrapped_module.", "_orig_mod.")
"""What activation checkpointing and compilation put into the names of parameters."""


LEAST = 10_000_000
"""Parameters that are gathered at once, at least: less would wait for the network between the GPUs too often."""


def shard(network: nn.Module, device: torch.device, least: int = LEAST, reshard_after_forward: bool = True) -> None:
    """Shard a network over all processes (FSDP2), in groups of about `least` parameters: a module and what is below.

    Parameters, gradients and their sums stay in fp32, and inputs as they are: autocast alone decides what is computed
    in bf16, as it does for a whole network, so that the training is the same.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device.type, (torch.distributed.get_world_size(),))  # else of GPUs where there are any
    for module in reversed(list(network.modules())):  # what lies below first, the network itself last
        size = sum(p.numel() for p in module.parameters() if not is_sharded(p))
        if module is network or (size >= least and not isinstance(module, nn.ModuleList | nn.ModuleDict)):
            fully_shard(module, mesh=mesh, reshard_after_forward=reshard_after_forward)


def shard_as_told(network: nn.Module, plugin: Any, device: torch.device) -> None:
    """`shard` by what Accelerate's launcher was told of FSDP. Raises `InputError` for what is not trained with."""
    if getattr(plugin, "fsdp_version", 1) != 2:
        raise InputError("FSDP of the first version is not trained with; set fsdp_version: 2 in Accelerate's file.")
    if plugin.activation_checkpointing:
        raise InputError(
            "Accelerate's file sets fsdp_activation_checkpointing; set train.gradient_checkpointing in the recipe "
            "instead."
        )
    if type(plugin.cpu_offload).__name__ == "CPUOffloadPolicy":
        raise InputError(
            "weights are not kept in the CPU's memory; set fsdp_offload_params: false in Accelerate's file."
        )
    shard(network, device, reshard_after_forward=bool(plugin.reshard_after_forward))


def plain(name: str) -> str:
    """A parameter's or buffer's name without what wrappers put into it."""
    for wrapper in WRAPPERS:
        name = name.replace(wrapper, "")
    return name


def named(network: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters by their plain names, in the network's order."""
    return {plain(name): parameter for name, parameter in network.named_parameters()}


def is_sharded(value: object) -> bool:
    """Whether a tensor is a DTensor."""
    return hasattr(value, "full_tensor")


def local(value: Any) -> Tensor:
    """This process's piece of a tensor, its memory and not a copy; the tensor itself where it is whole."""
    with torch.no_grad():
        return value.to_local() if is_sharded(value) else value.detach()


def fill(value: Any, whole: Tensor) -> None:
    """Copy a whole tensor into one that may lie in pieces. Raises `RuntimeError` where the shapes differ."""
    if value.shape != whole.shape:
        raise RuntimeError(f"a tensor is {list(whole.shape)} and should be {list(value.shape)}")
    if is_sharded(value):
        from torch.distributed.tensor import distribute_tensor

        mesh, placements = value.device_mesh, value.placements
        whole = local(distribute_tensor(whole.to(value.device), mesh, placements, src_data_rank=None))
    local(value).copy_(whole)


def gathered(values: Mapping[str, Any], keep: bool) -> dict[str, Tensor]:
    """Whole tensors in the memory of the CPU, one after the other; where they are not to be kept, nothing.

    All processes call it, since each gives its pieces.
    """
    found = {}
    for name, value in values.items():
        whole = value.detach().full_tensor() if is_sharded(value) else value.detach()
        if keep:
            found[name] = whole.cpu()
    return found
