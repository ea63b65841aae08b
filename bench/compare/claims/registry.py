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
    semflow.SEEDS,
    symmflow.ONE_STEP,
    symmflow.SYNTHESIS,
    ours.PRICE,
    semflow.DIVERSITY,
)


def findings(cells: Sequence[Stored]) -> list[Finding]:
    """Every claim all of whose methods have records, on each data set where they have."""
    return [finding for claim in CLAIMS for finding in claim.findings(cells)]


def block(found: Sequence[Finding]) -> Block:
    """Each claim with its verdict and figures."""
    rows = [[f.claim, f.source, f.verdict, f.said] for f in found]
    headers = ["claim", "source", "here", "figures"]
    return Block("findings", "The papers' claims, here", headers, rows, [asdict(f) for f in found], left=(0, 1, 2, 3))
