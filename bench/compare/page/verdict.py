"""The first screen: which method is best at each step count, whether that is real, its cost, on what, what lacks."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from ....reports.html import Section
from ...statistics import Difference
from .. import text
from ..difference import seedless
from ..fronts import LEFT_OUT, Front
from ..leaders import ranked
from ..rows import Row
from ..tables import Table, warning
from ..verdicts import Judged, against, called
from .gathered import Page, anchor, count, headlines
from .unmeasured import unmeasured

SAID = {
    "better": "is real",
    "worse": "points the other way over the seeds that both have",
    "equivalent": "does not matter",
    "inconclusive": "may be chance",
}
"""What each word of a verdict comes to, of the best against the next."""


def section(page: Page) -> Section | None:
    tables = [(anchor(place), table) for place, table in enumerate(page.tables)]
    if not tables:
        return None
    cards = [_card(page, place, table) for place, table in tables]
    lead = (
        "Which method is best at each step count, whether the difference to the next is real, and what it costs. "
        "Seconds are of the runs themselves, on machines that may have been busy."
    )
    return Section("verdict", "Verdict", "verdict.html", {"cards": cards}, lead)


def _card(page: Page, place: str, table: Table) -> dict[str, Any]:
    judged: dict[Row, Judged] = {}
    return {
        "board": place if table.rows else "failures",
        "task": table.task,
        "dataset": table.dataset,
        "on": _on(page, table),
        "metrics": [_of_metric(page, table, metric, judged) for metric in headlines(table)],
        "doubts": [f"{doubt}." for doubt in (*filter(None, [warning(table)]), *table.remarks)],
        "unmeasured": unmeasured(page, table),
    }


def _on(page: Page, table: Table) -> str:
    """What all of it was measured on."""
    if not table.rows:
        return f"Nothing was measured: {count(len(table.failed), 'cell')} failed."
    drawn = {row.seeds for row in table.rows if not seedless(row.record)} or {(0,)}
    least, most = min(map(len, drawn)), max(map(len, drawn))
    seeds = count(most, "generation seed")
    if len(drawn) > 1:
        seeds = f"{least} to {seeds} a row" if least < most else f"{seeds} a row, not the same"
    return f"On {table.n:,} {page.things(table)} of the split {table.split}, {seeds}, protocol {table.protocol[:8]}."


def _of_metric(page: Page, table: Table, metric: str, judged: dict[Row, Judged]) -> dict[str, Any]:
    rows = ranked(table, metric)
    counts = sorted({row.steps for row in rows if row.steps is not None})
    at = {count(steps, "step"): [row for row in rows if _stepless(row) or row.steps == steps] for steps in counts}
    at = at or {"": [row for row in rows if _stepless(row)]}
    at |= {"an adaptive solver's own steps": [row for row in rows if row.steps is None and not _stepless(row)]}
    said = [_statement(page, table, metric, steps, found, judged) for steps, found in at.items() if found]
    alone = len({one["best"]["name"] for one in said if one["next"] is None} | {""}) == 2
    return {
        "metric": metric,
        "statements": said,
        "alone": len(said) > 1 and alone and all(one["next"] is None for one in said),
        "overall": _overall(page, table, metric, rows),
        "cheapest": _cheapest(page.fronts[table.protocol, metric], rows[0].metrics[metric].unit) if rows else [],
    }


def _stepless(row: Row) -> bool:
    """Whether it is at home at every step count; an adaptive solver takes as many as it wants."""
    return row.steps is None and row.record.solver is None


def _statement(
    page: Page, table: Table, metric: str, at: str, rows: Sequence[Row], judged: dict[Row, Judged]
) -> dict[str, Any]:
    """The best of some rows, the first, against the next one."""
    best, *rest = rows
    said: dict[str, Any] = {
        "at": at,
        "best": _named(page, best),
        "figure": text.with_unit(best.metrics[metric]),
        "cost": _cost(table, best),
        "next": None,
    }
    if not rest:
        return said
    base = rest[0]
    if base not in judged:
        judged[base] = against(table, base, page.limits)
    found = next((v for row, _, vs in judged[base].verdicts for v in vs if row is best and v.metric == metric), None)
    said["level"] = best.metrics[metric].value == base.metrics[metric].value
    said["next"] = _named(page, base) | {
        "figure": text.with_unit(base.metrics[metric], interval=False),
        "cost": _cost(table, base),
    }
    if found is None:
        about = f"{metric} of {best.at} and {base.at}: "
        why = next((r.removeprefix(about) for r in judged[base].remarks if r.startswith(about)), "not compared")
        return said | {"word": "", "why": why}
    unit = best.metrics[metric].unit
    return said | {
        "word": found.word,
        "meaning": SAID[found.word],
        "difference": _difference(found.difference, unit),
        "p": text.equals(found.p),
        "why": found.reason,
        "over": next(
            (r.removeprefix(f"{best.at} and {base.at}: ") for r in judged[base].remarks if _seeds(r, best, base)), ""
        ),
        "command": f"{page.command(table)} --baseline {shlex.quote(called(page.tables, base))}",
    }


def _seeds(remark: str, best: Row, base: Row) -> bool:
    """Whether it says over which seeds the two are compared: not all that their figures are of."""
    return remark.startswith(f"{best.at} and {base.at}: over the seeds")


def _named(page: Page, row: Row) -> dict[str, Any]:
    return {"name": row.name, "at": row.at, "hue": page.hue[row.method]}


def _difference(found: Difference, unit: str) -> str:
    value, low, high = (text.fine(x, unit, "+") for x in (found.value, found.low, found.high))
    return f"{value} points [{low}, {high}]" if unit == "fraction" else f"{value} [{low}, {high}]"


def _cost(table: Table, row: Row) -> str:
    """`25 network evaluations and 0.0792 s an image (12.6 images/s)`, as far as they may be told."""
    seconds, speed = table.cost(row, "seconds"), table.images_per_second(row)
    nfe = "unknown network evaluations" if row.nfe is None else f"{row.nfe:.4g} network evaluation"
    plain = nfe if row.nfe in (None, 1) else f"{nfe}s"
    if seconds is None or speed is None:
        return f"{plain} an image, its time not measured like the others"
    return f"{plain} and {text.number(seconds)} s an image ({text.speed(speed)} images/s)"


def _overall(page: Page, table: Table, metric: str, rows: Sequence[Row]) -> str:
    """Whether one row is better than every other of the table, all pairs of rows corrected for."""
    if len(rows) < 2:
        return ""
    certain = page.leaders[table.protocol].get(metric, ())
    if certain:
        return f"Of all {len(rows)} rows {certain[0].at} is better than every other one."
    return f"Of all {len(rows)} rows {rows[0].at} has the best figure; none is shown to be better than every other one."


def _cheapest(found: Front | str, unit: str) -> list[str]:
    """The cheapest row within epsilon of the best, by network evaluations and by seconds."""
    if isinstance(found, str):
        return []
    chosen: dict[str, list[str]] = {}
    for cost, row in found.choice.items():
        share = next(p.cheapest[cost] for p in found.points if p.row is row)
        by = {"nfe": "network evaluations", "seconds": "seconds"}[cost]
        chosen.setdefault(row.at, []).append(f"by {by} ({share:.0%} of resamples)")
    near = f"Cheapest within {text.margin(found.epsilon, unit)} of the best"
    lacking = [remark for remark in found.remarks if LEFT_OUT in remark]
    of = f" of the rows that can be drawn anew ({'; '.join(lacking)})" if lacking else ""
    return [f"{near}{of}: {at}, {' and '.join(by)}." for at, by in chosen.items()]
