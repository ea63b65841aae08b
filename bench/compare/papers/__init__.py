"""The papers' tables with ours beside them: what fills each cell, or why nothing does and what would."""

from .filled import Filled, Slot, fill
from .frame import COLUMNS, frame
from .layout import block

__all__ = ["COLUMNS", "Filled", "Slot", "block", "fill", "frame"]
