"""Which code makes figures: digests of the sources that decide outputs and scores, without importing them."""

from . import parts
from .installed import Installed

__all__ = ["Installed", "parts"]
