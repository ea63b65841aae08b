"""What the papers claim, and what the records say of it."""

from __future__ import annotations

from ....reports.html import Section
from .. import claims
from .gathered import Page
from .grid import grid


def section(page: Page) -> Section | None:
    found = claims.findings(page.cells)
    if not found:
        return None
    lead = "Each claim whose methods have records here, with the figures that it rests on."
    return Section("claims", "The papers' claims", "grids.html", {"grids": [grid(page, claims.block(found))]}, lead)
