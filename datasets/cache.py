"""What is kept between runs: where, and the content hashes of files too large to read at every start."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..symmflow.bounded import TEXT, read_json
from ..symmflow.errors import InputError
from ..symmflow.files import write_atomically


def cache_folder(name: str) -> Path:
    """$XDG_CACHE_HOME/symmbench/`name`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "symmbench" / name


def weights_folder() -> Path:
    """Where fetched weights are kept: $SYMMBENCH_WEIGHTS, else $XDG_CACHE_HOME/symmbench/weights."""
    if given := os.environ.get("SYMMBENCH_WEIGHTS"):
        return Path(given)
    return cache_folder("weights")


def kept_content(version: str, files: Sequence[Path], make: Callable[[], str]) -> str:
    """The content hash that `make` computes from files, kept until one of them has another size or time.

    `version` is that of the computation. What is kept lies in the cache folder `manifests`, a file for these paths.
    """
    files = [file.resolve() for file in files]
    about = {"version": version, "files": [[str(f), s.st_size, s.st_mtime_ns] for f in files for s in [f.stat()]]}
    key = hashlib.sha256("\n".join(map(str, files)).encode()).hexdigest()[:16]
    place = cache_folder("manifests") / f"{key}.json"
    if (found := _read(place, about)) is not None:
        return found
    content = make()
    with contextlib.suppress(InputError):  # where nothing can be kept, it is computed again
        write_atomically(place, json.dumps(about | {"content_sha256": content}, indent=2) + "\n")
    return content


def _read(place: Path, about: Mapping[str, object]) -> str | None:
    """The hash kept of just these files; None where there is none, or what is kept is damaged."""
    try:
        kept = read_json(place, TEXT)
        content = kept.pop("content_sha256")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    whole = isinstance(content, str) and re.fullmatch("[0-9a-f]{64}", content)
    return content if whole and kept == about else None
