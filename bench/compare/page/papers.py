"""The papers' tables in their own layout, with ours beside them: those of which a figure is measured."""

from __future__ import annotations

from ....reports.html import Section
from ....reports.papers import names, paper
from .. import papers
from .gathered import Page
from .grid import grid


def section(page: Page) -> Section | None:
    found = [papers.fill(paper(name), page.cells, page.folders, page.every) for name in names()]
    grids = [grid(page, papers.block(one)) for one in found if any(slot.figure for slot in one.slots)]
    if not grids:
        return None
    lead = "Tables of the papers of which a figure is measured here: theirs, ours, and what would fill the rest."
    return Section("papers", "The papers' tables", "grids.html", {"grids": grids}, lead)
