"""The command line: `bench run | train | sample | compare | gate | ...`. One file a command."""

from .app import main

__all__ = ["main"]
