"""Cells that failed, with their reasons."""

from __future__ import annotations

from ....reports.html import Section
from ..naming import identity
from .gathered import Page


def section(page: Page) -> Section | None:
    failed = [cell.record for cell in page.cells if cell.record.status == "failed"]
    if not failed and not page.unread:
        return None
    rows = [
        {
            "cell": identity(record),
            "method": record.method,
            "reason": record.failure or "unknown reason",
            "traceback": record.reason.strip(),
        }
        for record in failed
    ]
    rows += [{"cell": "unreadable", "method": "", "reason": f"{said}.", "traceback": ""} for said in page.unread]
    lead = f"{len(failed)} of {len(page.cells):,} cells failed; the same bench run tries them again."
    return Section("failures", "Failures", "failures.html", {"rows": rows}, lead)
