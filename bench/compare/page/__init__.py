"""What was measured as one page: a file a section, in the order of `SECTIONS`."""

from __future__ import annotations

from collections.abc import Callable

from ....reports.html import Section, render
from . import (
    claims,
    classes,
    confusion,
    failures,
    front,
    gallery,
    leaderboard,
    papers,
    provenance,
    published,
    quality,
    reliability,
    studies,
    trajectories,
    verdict,
)
from .gathered import Page

SECTIONS: tuple[Callable[[Page], Section | None], ...] = (
    verdict.section,
    leaderboard.section,
    quality.section,
    front.section,
    classes.section,
    confusion.section,
    reliability.section,
    gallery.section,
    trajectories.section,
    studies.section,
    claims.section,
    published.section,
    papers.section,
    provenance.section,
    failures.section,
)


def html(page: Page) -> str:
    """The page as text. Equal records give equal text."""
    found = [section(page) for section in SECTIONS]
    return render(page.head, [section for section in found if section is not None])


__all__ = ["SECTIONS", "Page", "html"]
