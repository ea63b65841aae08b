"""The papers' qualitative claims, a file a paper: each holds, does not hold, or cannot be told yet."""

from .claim import Claim, Finding
from .registry import CLAIMS, block, findings

__all__ = ["CLAIMS", "Claim", "Finding", "block", "findings"]
