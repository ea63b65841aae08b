"""From noise to image and from image to mask: states along the ODE (as in SemFlow's Figures 6 and 7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....reports.html import Section
from ..rows import Row
from .album import Album
from .gathered import Page

SHOWN = ((2, 256), (2, 128), (1, 96), (1, 64), (1, 32))
"""Of how many samples the way is shown, and in pictures of which longer side: the first choice that fits."""
CHARACTERS = 1_500_000
"""Of all pictures, at most."""


def section(page: Page) -> Section | None:
    sheets: list[dict[str, Any]] = []
    for first, longest in SHOWN:
        albums = [replace(album, first=first, longest=longest) for album in page.albums]
        sheets = [sheet for album in albums if (sheet := _sheet(page, album))]
        states = [state for sheet in sheets for way in sheet["ways"] for state in way["states"]]
        if sum(len(state["picture"].src) for state in states) <= CHARACTERS:
            break
    if not sheets:
        return None
    lead = "What the state shows of what is being made, at each method's most steps; t is the method's own time."
    return Section("trajectories", "Trajectories", "trajectories.html", {"sheets": sheets}, lead)


def _sheet(page: Page, album: Album) -> dict[str, Any] | None:
    last: dict[str, Row] = {}
    for row in sorted((r for r in album.rows if r.steps is not None), key=lambda r: r.steps or 0):
        last[row.name] = row
    ways = [
        {
            "at": row.at,
            "method": row.method,
            "hue": page.hue[row.method],
            "id": own,
            "given": album.label(own) if album.draws else album.real(own),
            "states": [{"t": f"{t:.2f}", "picture": picture} for t, picture in way],
        }
        for own in album.ids
        for row in last.values()
        if (way := album.way(row, own))
    ]
    if not ways:
        return None
    direction = "from label to image" if album.draws else "from image to label"
    return {"heading": f"{album.table.title}: {direction}", "given": "label" if album.draws else "image", "ways": ways}
