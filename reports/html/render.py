"""Sections as one file: style, scripts and data inside; its policy lets nothing be fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...symmflow.names import printable
from .section import Section

HERE = Path(__file__).parent
SCRIPTS = ("plotly-basic.min.js", "wiring.js")
HUES = 16
"""Looks of `style.css`: eight colours, with dots and with squares; further methods begin anew."""


@dataclass(frozen=True)
class Legend:
    """A method as the legend names it: it is hidden and shown everywhere at once."""

    method: str
    hue: int
    """Which colour of the style sheet, 0 to `HUES` - 1."""


@dataclass(frozen=True)
class Head:
    """What stands above all sections."""

    title: str
    said: Sequence[str]
    """Short facts: of what, of when, by which version."""
    methods: Sequence[Legend]


def hues(methods: Sequence[str]) -> list[Legend]:
    """A colour each, in their order."""
    return [Legend(method, place % HUES) for place, method in enumerate(methods)]


def render(head: Head, sections: Sequence[Section]) -> str:
    """The whole page. Equal values give equal text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = FileSystemLoader(HERE / "templates")
    shown = Environment(
        loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_plain
    )
    scripts = [(HERE / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return shown.get_template("page.html").render(
        head=head,
        sections=sections,
        style=(HERE / "style.css").read_text(encoding="utf-8"),
        scripts=scripts,
        policy=policy(scripts),
    )


def _plain(value: Any) -> Any:
    """A text in which nothing steers what shows it; lines stay lines. What is markup already is ours."""
    return "\n".join(map(printable, value.split("\n"))) if type(value) is str else value


def policy(scripts: Sequence[str]) -> str:
    """Content security: these scripts run and no other, styles and pictures lie inside, and nothing is fetched."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
