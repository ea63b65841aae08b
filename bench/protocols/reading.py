"""Plain data from a disk that others write to, too: checked against its model where it is read."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from ...symmflow.bounded import RECORD, read_bytes
from ...symmflow.errors import InputError, Oversized, Unreadable
from ...symmflow.names import one_line

T = TypeVar("T")


def read_json(kind: type[T], path: Path, what: str, remedy: str) -> T:
    """What a JSON file says, as `kind` (a model, or anything else that pydantic can check).

    Raises `InputError` for what is cut, edited, foreign or far too large: "PATH is not WHAT (where: why); REMEDY."
    """
    try:
        return TypeAdapter(kind).validate_json(read_bytes(path, RECORD))
    except (Oversized, Unreadable) as error:
        raise InputError(f"{error}; {remedy}.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); {remedy}.") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = one_line(".".join(str(part)[:40] for part in first["loc"][:6]), 80)
        said = one_line(f"{where}: {first['msg'].lower()}" if where else first["msg"].lower(), 200)
        raise InputError(f"{path} is not {what} ({said.rstrip('.')}); {remedy}.") from None
