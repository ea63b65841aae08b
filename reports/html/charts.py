"""Charts as plain data of plotly.js. What is said of the theme is added where they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Chart:
    """Traces and layout of one chart, and the same in words."""

    id: str
    title: str
    alt: str
    """For who cannot see it."""
    traces: Sequence[dict[str, Any]]
    """`meta` of each: `method`, by which it is toggled; `hue`; what else the wiring switches."""
    layout: dict[str, Any]


def label(text: str) -> str:
    """A text as plotly shows it whatever it holds: it would obey some tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
