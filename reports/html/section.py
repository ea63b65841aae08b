"""A part of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Section:
    """What a template of this name shows: plain values, all of them text to it, whatever they hold."""

    id: str
    """Its anchor: letters, digits and hyphens."""
    title: str
    template: str
    """A file of `templates/`; it sees the section as `section`."""
    data: Mapping[str, Any] = field(default_factory=dict)
    lead: str = ""
    """What the section answers, in a sentence."""
