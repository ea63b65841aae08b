"""Hashes that last: of what a model says beyond its defaults."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection

from pydantic import BaseModel


def content_hash(model: BaseModel, *, leave_out: Collection[str] = ()) -> str:
    """First 16 hex digits of the SHA-256 of a model's canonical JSON.

    A field at its default does not count, so that one that is added later moves no hash; for the same reason a default,
    once released, never changes.
    """
    said = model.model_dump(mode="json", exclude=set(leave_out), exclude_defaults=True)
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]
