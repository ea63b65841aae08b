"""How it was measured, whole: protocols, checkpoints, code, machines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ....reports.html import Section
from ...records import Record
from ..naming import fingerprint, identity, recipe
from .gathered import Page

VARYING = ("command", "load_average", "shares")
"""Of a record's provenance, what is told a cell: the rest is shared by many."""


def section(page: Page) -> Section | None:
    protocols = [
        {"heading": table.heading, "whole": protocol.model_dump_json(indent=2) if protocol else ""}
        for table in page.tables
        for protocol in [page.protocol(table)]
    ]
    records = [cell.record for cell in page.cells]
    settings = _settings(records)
    data = {
        "protocols": protocols,
        "cells": [_cell(record, settings) for record in records],
        "settings": [{"number": number, "whole": whole} for whole, number in settings.items()],
        "floors": {name: str(floor) for name, floor in page.limits.items()},
    }
    lead = "Rules in full, and for every cell its checkpoint, its code and where it ran."
    return Section("provenance", "Protocol and provenance", "provenance.html", data, lead)


def _settings(records: Iterable[Record]) -> dict[str, int]:
    """Where and by what cells were made, and the numbers by which they refer to it."""
    found: dict[str, int] = {}
    for record in records:
        found.setdefault(_setting(record), len(found) + 1)
    return found


def _setting(record: Record) -> str:
    of = {name: value for name, value in record.provenance.items() if name not in VARYING}
    of["code"] = {"outputs": record.outputs.digest, "scoring": record.scoring.digest}
    return json.dumps(of, indent=2, sort_keys=True, ensure_ascii=False)


def _cell(record: Record, settings: dict[str, int]) -> dict[str, Any]:
    made = record.checkpoint
    return {
        "cell": identity(record),
        "method": record.method,
        "key": record.key,
        "protocol": record.protocol["hash"][:8],
        "checkpoint": f"{recipe(record)} {fingerprint(record)}",
        "trained": "–" if made.trained_steps is None else f"{made.trained_steps:,}",
        "created": record.created[:19].replace("T", " "),
        "made": settings[_setting(record)],
        "command": str(record.provenance.get("command", "")),
    }
