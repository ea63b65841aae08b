"""What every method made of the same samples from the same noise, beside what is real."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....reports.html import Section
from ... import tasks
from ...records import Missing
from .. import text
from ..difference import seedless
from ..influence import Influence, influence
from ..rows import Row
from .album import Album, Picture, unpaired
from .gathered import Page, anchor, headlines

MOST = 24
"""Samples of a table."""
CHARACTERS = 3_000_000
"""Of all pictures of a page, at most; fewer samples are shown where there would be more."""
CARRY = 12
"""Samples that carry a verdict."""
NONE = "These records keep no pictures of their samples; `bench run --force` evaluates again and keeps them."


def section(page: Page) -> Section | None:
    albums = [(place, replace(album, first=_fitting(page))) for place, album in enumerate(page.albums) if album.rows]
    sheets = [_sheet(page, album, anchor(place)) for place, album in albums]
    if not sheets:
        if not any(tasks.task(t.task).pictured and t.rows and page.things(t) == "images" for t in page.tables):
            return None
        return Section("gallery", "Gallery", "gallery.html", {"sheets": (), "carry": CARRY}, NONE)
    lead = "The same samples of every row, chosen by a hash of their ids. Open one to enlarge it."
    return Section("gallery", "Gallery", "gallery.html", {"sheets": sheets, "carry": CARRY}, lead)


def _fitting(page: Page) -> int:
    """How many samples of each table fit into the page."""
    size = sum(replace(album, first=MOST).size for album in page.albums)
    return max(1, min(MOST, MOST * CHARACTERS // max(size, 1)))


def _sheet(page: Page, album: Album, place: str) -> dict[str, Any]:
    table, ids = album.table, album.ids
    metric, found = _judged(album)
    names = list(dict.fromkeys(row.name for row in album.rows))
    counts = sorted({row.steps for row in album.rows if row.steps is not None})
    labels, reals = [album.label(own) for own in ids], [album.real(own) for own in ids]
    groups = [[row for row in album.rows if row.name == name] for name in names]
    return {
        "id": f"gallery-{place}",
        "heading": table.heading,
        "counts": counts,
        "masks": not album.draws,
        "columns": [
            {"name": rows[0].name, "method": rows[0].method, "hue": page.hue[rows[0].method]} for rows in groups
        ],
        "labels": any(labels),
        "reals": any(reals),
        "samples": [
            {
                "id": own,
                "label": labels[at],
                "real": reals[at],
                "groups": [
                    [tile for row in rows if (tile := _tile(album, row, own, metric, at, found))] for rows in groups
                ],
            }
            for at, own in enumerate(ids)
        ],
        "metric": metric,
        "choices": [{"at": row.at, "method": row.method} for row in album.rows if row.at in found],
        "chosen": [row.at for row in album.rows if row.at in found and row.steps in (None, *counts[-1:])][:2],
        "numbers": {row: {"alone": one.alone, "moves": one.moves} for row, one in found.items()},
        "notes": _notes(page, album, metric),
    }


def _judged(album: Album) -> tuple[str, dict[str, Influence]]:
    """The first metric that is known of single samples in two rows or more, if there are so many, and what they have to
    do with it."""
    compared = [name for name in album.table.metrics if any(name in row.compared for row in album.rows)]
    for name in dict.fromkeys([*headlines(album.table), *compared]):
        rows = [row for row in album.rows if name in row.metrics]
        found = {row.at: one for row in rows if not isinstance(one := influence(name, row, album.ids), Missing)}
        if len(found) >= min(2, len(album.rows)):
            return name, found
    return "", {}


def _tile(album: Album, row: Row, own: str, metric: str, at: int, found: dict[str, Influence]) -> dict[str, Any] | None:
    made: Picture | None = album.output(row, own)
    if made is None:
        return None
    alone = found[row.at].alone[at] if row.at in found else None
    said = ""
    if alone is not None:
        said = text.figure(row.metrics[metric].model_copy(update={"value": alone}), interval=False)
    return {"at": row.at, "method": row.method, "steps": row.steps, "picture": made, "alone": said}


def _notes(page: Page, album: Album, metric: str) -> list[str]:
    record, shown = album.table.rows[0].record, len(album.ids)
    notes = [f"{shown} of {record.n:,} samples. {_noise(album)}"]
    if metric:
        draws = record.samples_per_mask
        of = (
            "that sample alone"
            if draws == 1
            else f"that label alone, over its {draws} draws, of which the first is shown"
        )
        notes.append(
            f"Under each output: {metric} of {of}. What a sample carries of a difference is what the "
            f"difference over all {record.n:,} loses without it; the ones that carry most are of the {shown} shown."
        )
    if not any(album.real(own) for own in album.ids):
        notes.append(
            f"Real images of {record.dataset} are left out: no record holds any, as where its licence does not let "
            "them be passed on. "
            + (
                "`bench report --data-root DATA` draws them from your copy, the folder that `bench run` takes."
                if page.data_root is None
                else f"{page.data_root} does not hold those that were evaluated; give what `bench run` takes."
            )
        )
    elif album.drawn:
        notes.append(
            f"Real images come from your copy of {record.dataset}, whose licence may forbid to pass this page on."
        )
    without = [row for row in album.table.rows if row not in album.rows]
    if loose := [row.at for row in without if unpaired(row)]:
        notes.append(f"{', '.join(loose)}: of no certain labels, so that nothing of it belongs beside another's.")
    if lacking := [row.at for row in without if not unpaired(row)]:
        notes.append(f"No pictures of {', '.join(lacking)} can be shown; `bench run --force` makes them again.")
    return notes


def _noise(album: Album) -> str:
    """Which noise the rows begin with, as far as they draw any."""
    drawing = [row for row in album.rows if not seedless(row.record)]
    if len(drawing) < 2:
        return f"Of generation seed {album.seed_of(drawing[0])}." if drawing else ""
    if album.seed is None or len({row.record.noise for row in drawing}) > 1:
        return "Rows begin with different noise: each is of its own first seed."
    return f"Rows that draw noise begin with the same, that of generation seed {album.seed}."
