"""Blocks of `bench compare`, as tables of the page: the same cells, words and notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....reports.block import STYLES, Block
from .gathered import Page


def grid(page: Page, block: Block, methods: Sequence[str] = ()) -> dict[str, Any]:
    """`methods`: whose each row is, where rows are of methods: they are hidden with them."""
    rows = []
    for place, cells in enumerate(block.rows):
        method = methods[place] if methods else ""
        words = [cell.replace(" ", "-") if cell in STYLES else "" for cell in cells]
        known = method in page.hue
        rows.append(
            {
                "method": method if known else "",
                "hue": page.hue[method] if known else None,
                "cells": [
                    {"text": cell, "left": column in block.left, "word": words[column]}
                    for column, cell in enumerate(cells)
                ],
            }
        )
    return {
        "caption": block.heading,
        "headers": [{"text": head, "left": place in block.left} for place, head in enumerate(block.headers)],
        "rows": rows,
        "notes": list(block.notes),
    }
