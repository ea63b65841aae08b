"""What a network takes before there is one: parameters, FLOPs and memory, counted on devices that store nothing."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from .networks import MLP, parameter_count

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Footprint:
    """Of a network and one image that passes it, as on a GPU whose attention keeps no matrix. Memory is in bytes."""

    parameters: int
    weights: int
    """Parameters and buffers, as they are stored."""
    flops: int
    """Of the forward pass; a multiply-add is two."""
    cast: int
    """A copy of the weights in the format of autocast, which lasts as long as a training step."""
    peak: int
    """Most that is alive at once during a pass without a backward one, beside the weights."""
    kept: int
    """What the backward pass needs; 0 where there is none."""
    checkpointed: int | None
    """Of it, what is left where blocks are computed again; None for a network that has none such."""
    again: int
    """What the largest such block keeps while it is computed again."""


Call = Callable[[Any], Any]
IMAGES = 2
"""That pass, to be divided by: in training, some networks take no single one."""


def footprint(make: Callable[[], nn.Module], call: Call, precision: str = "fp32", *, backward: bool) -> Footprint:
    """Make a network, call it on `IMAGES` images, and count; `backward`: with what a backward pass needs of it.

    Both are called where tensors have shapes alone. `precision`: that of autocast over fp32 weights.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(), torch.device("cuda"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of devices that are not here
        with _Unset():
            network = make()
        own = {id_of(tensor): bytes_of(tensor) for tensor in (*network.parameters(), *network.buffers())}
        weights, kept = sum(own.values()), _Kept(set(own))
        blocks = [part for part in network.modules() if getattr(part, "_supports_gradient_checkpointing", False)]
        for part in blocks:
            part.enable_gradient_checkpointing(kept.block)  # type: ignore[operator]
        network.train(backward).requires_grad_(backward)
        with ExitStack() as stack:
            stack.enter_context(torch.set_grad_enabled(backward))
            stack.enter_context(_autocast(DTYPES[precision]))
            seen = stack.enter_context(_Operations(kept.own))
            stack.enter_context(_FusedAttention())
            stack.enter_context(torch.autograd.graph.saved_tensors_hooks(kept.keep, lambda tensor: tensor))
            call(network)
    return Footprint(
        parameters=parameter_count(network),
        weights=weights,
        flops=seen.flops // IMAGES,
        cast=seen.cast,
        peak=seen.peak // IMAGES,
        kept=kept.total // IMAGES,
        checkpointed=kept.outside // IMAGES if blocks and backward else None,
        again=kept.largest // IMAGES,
    )


def example(network: nn.Module, image: Sequence[int]) -> tuple[Tensor, ...]:
    """What one of our networks takes for `IMAGES` images of the shape `image`; others take the images alone."""
    if isinstance(network, MLP):
        first: Any = network.layers[0]
        return torch.empty(IMAGES, first.in_features - 1 - 2 * network.frequencies), torch.empty(IMAGES)
    config = getattr(getattr(network, "unet", None), "config", None)
    if config is None:
        return (torch.empty(IMAGES, *image),)
    channels = config.in_channels // getattr(network, "patch", 1) ** 2
    given = torch.empty(IMAGES, channels, *image[1:]), torch.empty(IMAGES)
    return (*given, torch.empty(IMAGES, dtype=torch.long)) if config.num_class_embeds else given


def id_of(tensor: Tensor) -> int:
    """The same for tensors that share their memory."""
    return tensor.untyped_storage()._cdata


def bytes_of(tensor: Tensor) -> int:
    return tensor.untyped_storage().nbytes()


class _Kept:
    """What autograd keeps for the backward pass, a storage once: all of it, and what is outside of blocks."""

    def __init__(self, own: set[int]) -> None:
        self.own = own
        self._held: dict[int, Tensor] = {}
        """A view of each storage, so that no later one gets its number."""
        self._saved, self._outside = set[int](), set[int]()
        self._block: set[int] | None = None
        self._blocks: list[set[int]] = []

    def keep(self, tensor: Tensor) -> Tensor:
        """As autograd does with a tensor."""
        one = self._hold(tensor)
        self._saved.add(one)
        (self._outside if self._block is None else self._block).add(one)
        return tensor

    def block(self, function: Callable[..., Any], *given: Any) -> Any:
        """Call a block that would be computed again: of it, what it is given is kept."""
        if self._block is not None:  # in another one
            return function(*given)
        self._outside |= {self._hold(tensor) for tensor in given if isinstance(tensor, Tensor)}
        self._block = set()
        made = function(*given)
        self._blocks.append(self._block)
        self._block = None
        return made

    @property
    def total(self) -> int:
        return self._size(self._saved)

    @property
    def outside(self) -> int:
        return self._size(self._outside)

    @property
    def largest(self) -> int:
        return max((self._size(block - self._outside) for block in self._blocks), default=0)

    def _hold(self, tensor: Tensor) -> int:
        self._held.setdefault(id_of(tensor), tensor.detach())
        return id_of(tensor)

    def _size(self, storages: set[int]) -> int:
        return sum(bytes_of(self._held[one]) for one in storages - self.own)


class _Operations(TorchDispatchMode):
    """FLOPs, as PyTorch's own counter has them, and bytes of the tensors that are alive.

    Copies of weights in another format are weights (`own`) too, and counted apart.
    """

    def __init__(self, own: set[int]) -> None:
        from torch.utils.flop_counter import flop_registry

        super().__init__()
        self.own, self.flops, self.cast, self.now, self.peak = own, 0, 0, 0, 0
        self._formulas: Mapping[Any, Callable[..., int]] = flop_registry
        self._known = set[int]()
        self._copies: list[Tensor] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if formula := self._formulas.get(func._overloadpacket):
            self.flops += int(formula(*args, **(kwargs or {}), out_val=made))
        copied = func is torch.ops.aten._to_copy.default and torch.is_grad_enabled() and id_of(args[0]) in self.own
        for tensor in made if isinstance(made, tuple | list) else (made,):
            if not isinstance(tensor, Tensor) or (one := id_of(tensor)) in self.own or one in self._known:
                continue
            size = bytes_of(tensor)
            if copied:
                self.own.add(one)
                self.cast += size
                self._copies.append(tensor)
                continue
            self._known.add(one)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(tensor.untyped_storage(), self._gone, one, size)
        return made

    def _gone(self, one: int, size: int) -> None:
        self._known.discard(one)
        self.now -= size


class _Unset(TorchFunctionMode):
    """Weights are not drawn: there is nothing to fill."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", "") == nn.init.__name__:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


class _FusedAttention(TorchFunctionMode):
    """Attention as GPUs compute it, which keeps no matrix of it. Without a GPU, PyTorch would choose another way."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is not nn.functional.scaled_dot_product_attention:
            return func(*args, **(kwargs or {}))
        return self._attention(*args, **(kwargs or {}))

    def _attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        if torch.is_autocast_enabled("cuda"):
            query, key, value = (x.to(torch.get_autocast_dtype("cuda")) for x in (query, key, value))
        attend = torch.ops.aten._scaled_dot_product_efficient_attention
        made: Tensor = attend(query, key, value, attn_mask, query.requires_grad, dropout_p, is_causal, scale=scale)[0]
        return made


@contextmanager
def _autocast(dtype: torch.dtype) -> Iterator[None]:
    """As `torch.autocast("cuda")`, which does nothing on a machine without a GPU."""
    before = torch.is_autocast_enabled("cuda"), torch.get_autocast_dtype("cuda")
    torch.set_autocast_enabled("cuda", dtype != torch.float32)
    torch.set_autocast_dtype("cuda", dtype)
    torch.autocast_increment_nesting()
    try:
        yield
    finally:
        if torch.autocast_decrement_nesting() == 0:
            torch.clear_autocast_cache()
        torch.set_autocast_enabled("cuda", before[0])
        torch.set_autocast_dtype("cuda", before[1])
