"""What no paper asks."""

from __future__ import annotations

from .claim import Claim, better_synthesis
from .seeds import moves

PRICE = Claim(
    text="The symmetric objective costs image quality against plain flow matching",
    source="no paper asks",
    task="sis",
    methods=("fm", "symmflow"),
    judge=better_synthesis("fm", "symmflow"),
)
SEEDS = Claim(
    text="SymmFlow's masks change with the seed",
    source="no paper asks",
    task="ss",
    methods=("symmflow",),
    judge=moves("symmflow"),
)
