"""Does a method repeat? A few samples of a cell a second time, uncounted and untimed, before anyone believes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ... import methods

if TYPE_CHECKING:
    from torch import Tensor

    from ..records import Record

COUNT = 4
SHARE = 0.02
"""Of a cell's samples: they are asked again where they are fewer."""
TOLERANCE = {"fp32": 1e-3, "bf16": 5e-2, "fp16": 5e-2}
"""By precision, relative to the largest value: four samples are another batch, which kernels round otherwise."""


def affordable(samples: int) -> bool:
    """Whether asking again costs less than 2 % of a cell's network evaluations."""
    return SHARE * samples > COUNT


def differing(first: Tensor, second: Tensor, precision: str) -> float:
    """Share of the values that differ beyond rounding: of class ids, scores or images [B, ...]."""
    if not first.is_floating_point():
        return float((first != second).float().mean())
    off = (first.float() - second.float()).abs()
    return float((off > TOLERANCE[precision] * max(float(first.abs().max()), 1e-12)).float().mean())


def fault(record: Record) -> str:
    """What is to be said of a record whose method did not repeat; empty where it did, or was not asked."""
    if not record.unrepeated:
        return ""
    check = f"`bench check {methods.base(record.method)} --dataset {record.dataset}` says more"
    return f"not repeatable: {record.dataset}/{record.task} {record.title}: {record.unrepeated}; {check}."


@contextmanager
def aside(device: str) -> Iterator[None]:
    """What is drawn inside from the global generators, which no method should use, is not missing afterwards."""
    import random

    import numpy as np
    import torch

    plain, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 (the global one is meant)
    try:
        with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
            yield
    finally:
        random.setstate(plain)
        np.random.set_state(arrays)  # noqa: NPY002
