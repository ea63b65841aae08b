"""Checkpoints on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...datasets.hub import snapshot
from ...symmflow.errors import InputError


def from_hub(repository: str, patterns: Sequence[str] = ("*.safetensors", "checkpoint.json", "training.csv")) -> Path:
    """The files of a hub repository (`owner/name`) that match; none of them may hold code."""
    try:
        return snapshot(repository, patterns)
    except InputError as error:
        raise InputError(f"there is no folder {repository!r}, and {error}") from None
