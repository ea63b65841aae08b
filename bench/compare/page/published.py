"""The papers' own figures beside ours, each with its caveat."""

from __future__ import annotations

from ....reports.html import Section
from .. import published
from .gathered import Page
from .grid import grid


def section(page: Page) -> Section | None:
    blocks = [block for table in page.tables if (block := published.block(table)).rows]
    if not blocks:
        return None
    grids = [grid(page, block, [row["ours_method"] or row["method"] for row in block.data]) for block in blocks]
    lead = "As printed, for the same task and data set; where ours is not the paper’s own, the note says in what."
    return Section("published", "As published", "grids.html", {"grids": grids}, lead)
