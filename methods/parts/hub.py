"""Checkpoints on the Hugging Face hub: the one place from which the network is asked, and only for what is named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ...datasets.hub import snapshot
from ...symmflow.errors import InputError
from ...symmflow.names import one_line

MARK = "hub:"
_ID = re.compile(r"[\w][\w.-]{0,95}/[\w][\w.-]{0,95}", re.ASCII)


def hub_id(given: str, *, marked: bool = True) -> str | None:
    """The repository that `hub:owner/name` names; None for what can only be a path.

    `marked`: without the mark it is taken for a path. Else for an id too, unless there is a folder of the owner's name
    here, so that it is a path that somebody mistyped.
    """
    bare = given.removeprefix(MARK)
    if bare == given and (marked or Path(given.partition("/")[0]).exists()):
        return None
    if _ID.fullmatch(bare):
        return bare
    if bare != given:
        raise InputError(f"{one_line(given, 80)!r} is no id of the hub; write it like hub:owner/name.")
    return None


def missing(given: str) -> str:
    """That there is nothing at a path, and how it would be written if it is meant as an id of the hub."""
    meant = f"; a repository of the hub is written hub:{given}" if _ID.fullmatch(given) else ""
    return f"there is no checkpoint folder at {given}{meant}"


def from_hub(repository: str, patterns: Sequence[str] = ("*.safetensors", "checkpoint.json", "training.csv")) -> Path:
    """The files of a hub repository (`owner/name`) that match; none of them may hold code."""
    return snapshot(repository, patterns)
