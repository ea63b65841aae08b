"""Where tensors are computed, and with which kernels."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    import torch


def resolve_device(wanted: str) -> str:
    """`auto` is CUDA where there is one. A device that is not there is refused."""
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise InputError(f"{wanted!r} is no device; choose cpu, cuda or cuda:0.") from None
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device {wanted} is not supported; choose cpu, cuda or cuda:0.")
    if device.type == "cuda" and (device.index or 0) >= (count := torch.cuda.device_count()):
        raise InputError(f"device {wanted} is not on this machine ({count} CUDA devices); choose cpu.")
    return wanted


def decoders(processes: int = 1) -> int:
    """Processes that decode images beside this one, when nobody says how many: the other cores, at most four.

    `processes`: how many like this one the cores are shared with, itself included.
    """
    return max(0, min(4, len(os.sched_getaffinity(0)) // processes - 1))


def placed(tensor: torch.Tensor, device: torch.device | str | None) -> torch.Tensor:
    """A tensor of the host on a device; the host does not wait until the device gets there."""
    import torch

    pinned = tensor.pin_memory() if device is not None and torch.device(device).type == "cuda" else tensor
    return pinned.to(device, non_blocking=True)


def exact_kernels() -> None:
    """Deterministic kernels, and fp32 that means fp32: TF32 keeps 10 bits of the mantissa."""
    import torch

    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False


def slowdown(device: str, precision: str) -> float:
    """How many times as long as in fp32 a small matrix product takes on a CPU; 1 elsewhere, where nobody emulates.

    A CPU that lacks the instructions of a precision computes in it all the same, tens of times slower.
    """
    import time

    import torch

    if precision == "fp32" or device.partition(":")[0] != "cpu":
        return 1.0
    seconds = {}
    with torch.inference_mode():
        for name in ("fp32", precision):
            a, b = torch.randn(2, 128, 128).to(_dtype(name))
            taken = []
            for _ in range(8):  # the least of some: others may be at work here
                start = time.perf_counter()
                torch.matmul(a, b)
                taken.append(time.perf_counter() - start)
            seconds[name] = min(taken)
    return seconds[precision] / seconds["fp32"]


def _dtype(precision: str) -> torch.dtype:
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def matmul_rate(device: str, precision: str = "fp32") -> float:
    """FLOP/s of matrix products on a device, the best that a few of growing size reach: what a network stays below."""
    import time

    import torch

    dtype = _dtype(precision)
    best, side, seconds = 0.0, 256, 0.0
    with torch.inference_mode():
        while seconds < 0.05 and side <= 16384:
            a, b = torch.randn(2, side, side, device=device, dtype=dtype)
            for _ in range(3):  # the first one also chooses a kernel
                start = time.perf_counter()
                float((a @ b)[0, 0])  # waits for the device
                seconds = time.perf_counter() - start
                best = max(best, 2 * side**3 / seconds)
            side *= 2
    return best
