"""Text from elsewhere: names and paths are checked where they come in, what is shown is cleaned where it goes out."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from .errors import InputError

LONGEST_NAME = 120
"""Bytes of a name in UTF-8: a file's may have 255, and more is put beside it."""
LONGEST_PART, LONGEST_TEXT = 255, 4095
"""Bytes of a part of a path, and of a whole path or any other argument, as Linux has them."""
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control characters but for the line's end and the tab, what turns the direction of text, what is not seen, and halves
of characters."""
_APART = re.compile(r'[\\/<>|"`\n\t]')
"""What parts paths, and what a page would take for its own."""


def printable(text: str) -> str:
    """A text in which nothing steers what shows it: such characters as `\\u001b`, which JSON reads back."""
    return _STEERING.sub(_escape, text)


def one_line(text: str, longest: int = 1000) -> str:
    """A text for one line of a message: lines joined, and the middle left out where it is too long."""
    joined = " ".join(text.split("\n")) if "\n" in text else text
    if len(joined) > longest:
        joined = f"{joined[: longest // 2]}...{joined[-longest // 2 :]}"
    return printable(joined)


def fault(name: str) -> str:
    """What is wrong with a name, which may become part of a path, a table or a page; empty if nothing."""
    if not name.strip():
        return "is empty"
    if (size := len(name.encode(errors="surrogatepass"))) > LONGEST_NAME:
        return f"is too long: {size:,} bytes, and a name has at most {LONGEST_NAME}"
    if name.startswith("."):
        return "begins with a dot"
    if found := _STEERING.search(name) or _APART.search(name):
        return f"holds {found[0]!r}, which no name may"
    return ""


def check_name(what: str, name: str) -> str:
    """The name. Raises `InputError` where it cannot be one; `what` it is of."""
    if wrong := fault(name):
        raise InputError(f"the {what} {one_line(repr(name), 80)} {wrong}; choose another name.")
    return name


def check_path(path: Path) -> Path:
    """The path. Raises `InputError` where no file can have it, or where it is not UTF-8."""
    _check_text(str(path))
    if any(len(os.fsencode(part)) > LONGEST_PART for part in path.parts):
        raise InputError(f"the path {one_line(str(path), 80)!r} is too long: a part has at most {LONGEST_PART} bytes.")
    return path


def check_given(given: Any) -> Any:
    """What somebody asks for: texts that are UTF-8 and of bearable length, paths that can be, finite numbers."""
    if isinstance(given, str):
        _check_text(given)
    elif isinstance(given, Path):
        check_path(given)
    elif isinstance(given, float) and not math.isfinite(given):
        raise InputError(f"{given} is no number to reckon with; give a finite one.")
    elif isinstance(given, Mapping):
        for key, value in given.items():
            check_given(key)
            if not isinstance(value, float):  # the method's own table says which numbers it takes
                check_given(value)
    elif isinstance(given, Sequence):
        for item in given:
            check_given(item)
    return given


def _check_text(text: str) -> None:
    if "\0" in text:
        raise InputError(f"{one_line(text, 80)!r} holds a null character; leave it out.")
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise InputError(f"{one_line(text, 80)!r} is not UTF-8; rename what it names, or write it in UTF-8.")
    if (size := len(text.encode())) > LONGEST_TEXT:
        raise InputError(f"{one_line(text, 80)!r} is too long: {size:,} bytes, and {LONGEST_TEXT:,} are taken.")


def _valid_name(name: str) -> str:
    if wrong := fault(name):
        raise ValueError(f"the name {one_line(repr(name), 80)} {wrong}")
    return name


def _valid_names(name: str) -> str:
    for part in name.split("/"):
        _valid_name(part)
    return name


def _valid_source(name: str) -> str:
    kind, mark, rest = name.partition(":")
    _valid_name(kind)
    if mark and (not rest or _STEERING.search(rest) or len(rest.encode(errors="surrogatepass")) > LONGEST_TEXT):
        raise ValueError(f"the name {one_line(repr(name), 80)} says nothing of {kind}: that there can be")
    return name


def _valid_place(place: str) -> str:
    if not place.strip() or _STEERING.search(place) or len(place.encode(errors="surrogatepass")) > LONGEST_TEXT:
        raise ValueError(f"{one_line(repr(place), 80)} names no folder and no model")
    return place


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


Name = Annotated[str, AfterValidator(_valid_name)]
"""A field that may become part of a path, a table or a page."""
SlashedName = Annotated[str, AfterValidator(_valid_names)]
"""Names with slashes between: `digits/symmflow`. As a path it leads into the folder where it begins."""
Source = Annotated[str, AfterValidator(_valid_source)]
"""A name, or `FAMILY:` and a path or an id: `folder:../scenes`, `hf:owner/name`. Read from, never written to."""
Place = Annotated[str, AfterValidator(_valid_place)]
"""A folder, or a name or id of the hub. Read from, never written to."""
