"""Plain data from a disk that others write to, too: checked against its model where it is read."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from ...symmflow.errors import InputError

LARGEST = 64 * 2**20
"""Bytes of a file of JSON that is read; our own are of kilobytes."""
T = TypeVar("T")


def read_json(kind: type[T], path: Path, what: str, remedy: str) -> T:
    """What a JSON file says, as `kind` (a model, or anything else that pydantic can check).

    Raises `InputError` for what is cut, edited, foreign or far too large: "PATH is not WHAT (where: why); REMEDY."
    """
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise InputError(f"{path} is not {what} (it has {size:,} bytes); {remedy}.")
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); {remedy}.") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part)[:40] for part in first["loc"][:6])
        said = f"{where}: {first['msg'].lower()}" if where else first["msg"].lower()
        raise InputError(f"{path} is not {what} ({said.rstrip('.')}); {remedy}.") from None
