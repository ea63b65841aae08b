"""All claims, checked against the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ....reports.block import Block
from ...records import Stored
from . import ours, semflow, symmflow
from .claim import Finding

CLAIMS = (
    semflow.COLLAPSE,
    semflow.DSM_SEEDS,
    ours.SEEDS,
    semflow.SEMFLOW_SEEDS,
    symmflow.ONE_STEP,
    symmflow.SYNTHESIS,
    ours.PRICE,
    semflow.SMOOTH,
    semflow.DIVERSITY,
)


def findings(cells: Sequence[Stored]) -> list[Finding]:
    """Every claim all of whose methods have records, on each data set where they have."""
    return [finding for claim in CLAIMS for finding in claim.findings(cells)]


def block(found: Sequence[Finding]) -> Block:
    """Each claim with its verdict, its figures, and what they rest on."""
    rows = [
        [f.claim, f.source, f.verdict, f.said, f.grid or "–", _trainings(f), "yes" if f.could_fail else "no"]
        for f in found
    ]
    headers = ["claim", "source", "here", "figures", "grid", "trainings", "could fail"]
    notes = ["Intervals of shares that are lost or change cover test images; those of differences, what tables' do."]
    if any(set(f.trainings.values()) == {1} for f in found):
        notes.append("One training each: the interval does not say how another training would come out.")
    data = [asdict(f) for f in found]
    return Block("findings", "The papers' claims, here", headers, rows, data, notes, left=tuple(range(len(headers))))


def _trainings(finding: Finding) -> str:
    """`one each`, or how many of each method."""
    counts = finding.trainings
    if set(counts.values()) == {1}:
        return "one each" if len(counts) > 1 else "one"
    return ", ".join(f"{method} {count}" for method, count in counts.items()) or "–"
