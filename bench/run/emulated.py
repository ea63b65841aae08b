"""Whether a processor only emulates a precision: what it is told for would be slower, not faster."""

from __future__ import annotations

NOTABLE = 2.0
"""Times as long as in fp32, from which on it is worth a sentence."""


def emulated(device: str, precision: str, remedy: str) -> str:
    """What to say of a precision that is slower on this device than fp32, with what helps; else nothing."""
    if precision == "fp32":
        return ""
    from ...symmflow.device import resolve_device, slowdown

    if device == "auto":
        device = resolve_device(device)
    if (times := slowdown(device, precision)) < NOTABLE:
        return ""
    return f"{precision} on this {device} takes about {times:.0f} times as long as fp32, as it is emulated; {remedy}"
