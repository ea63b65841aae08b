"""Figures as text: shares in percent, distances as they are."""

from __future__ import annotations

from ..records import Figure


def figure(found: Figure, *, interval: bool = True) -> str:
    """`97.3 [95.1, 98.5]`: with the 95 % interval in brackets, where it is wanted and known."""
    scale, digits = (100, 1) if found.unit == "fraction" else (1, 3 if abs(found.value) < 10 else 1)
    text = f"{found.value * scale:.{digits}f}"
    if not interval or found.low is None or found.high is None:
        return text
    return f"{text} [{found.low * scale:.{digits}f}, {found.high * scale:.{digits}f}]"


def with_unit(found: Figure, *, interval: bool = True) -> str:
    """`97.3 % [95.1, 98.5]`: for a sentence, which has no heading to say that a share is in percent."""
    value, _, ends = figure(found, interval=interval).partition(" ")
    return " ".join(filter(None, (value, "%" if found.unit == "fraction" else "", ends)))


def fine(value: float, unit: str, sign: str = "") -> str:
    """`4.25`: a digit more than a figure has, for differences and deviations. `sign`: `+` shows it."""
    return f"{value * 100:{sign}.2f}" if unit == "fraction" else f"{value:{sign}.3f}"


def margin(value: float, unit: str) -> str:
    """`1 point`, `0.05`: how much is enough."""
    return f"{value * 100:.3g} point{'' if value == 0.01 else 's'}" if unit == "fraction" else f"{value:.3g}"


def probability(p: float) -> str:
    """`0.024`, `<0.0001`."""
    return "<0.0001" if p < 1e-4 else f"{p:.2g}"


def equals(p: float) -> str:
    """`= 0.024`, `< 0.0001`: behind the letter p."""
    said = probability(p)
    return f"<\N{NO-BREAK SPACE}{said[1:]}" if said.startswith("<") else f"=\N{NO-BREAK SPACE}{said}"


def speed(images_per_second: float | None) -> str:
    """`1,240`, `12.6`."""
    return f"{images_per_second:,.0f}" if images_per_second and images_per_second >= 100 else number(images_per_second)


def millions(parameters: int | None) -> str:
    """`0.73M`."""
    return "–" if parameters is None else f"{parameters / 1e6:.2f}M"


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
