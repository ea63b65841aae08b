"""Checkpoints on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...symmflow.errors import InputError


def from_hub(repository: str, patterns: Sequence[str] = ("*.safetensors", "checkpoint.json", "training.csv")) -> Path:
    """The files of a hub repository (`owner/name`) that match; none of them may hold code."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, allow_patterns=list(patterns)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise InputError(
            f"there is no folder {repository!r} and the hub gives no repository of that id ({type(error).__name__}); "
            "check the name and the connection."
        ) from None
