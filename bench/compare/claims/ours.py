"""What no paper asks."""

from __future__ import annotations

from .claim import Claim, better_synthesis

PRICE = Claim(
    text="The symmetric objective costs image quality against plain flow matching",
    source="no paper asks",
    task="sis",
    methods=("fm", "symmflow"),
    judge=better_synthesis("fm", "symmflow"),
)
