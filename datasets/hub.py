"""Repositories of the Hugging Face hub, through its own client and cache (`HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN`)."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ..symmflow import network
from ..symmflow.errors import InputError
from .download import Report


def snapshot(
    repository: str,
    patterns: Sequence[str],
    *,
    kind: str = "model",
    revision: str | None = None,
    kept: bool = False,
    asked: bool = True,
    report: Report | None = None,
) -> Path:
    """The files of a hub repository (`owner/name`) that match, of one commit: the folder, whose name is the commit.

    `kind`: model or dataset. What is here already is not fetched again; without a network it must all be here. `kept`:
    the commit that is here stays, whatever the hub has by now. Unless `asked` for by name, nothing is fetched where the
    network is closed. Without `report` a terminal shows the client's own bars.
    Raises `InputError` with what the hub answers.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HTTPError, LocalEntryNotFoundError

    fetched = partial(
        snapshot_download,
        repository,
        repo_type=kind,
        revision=revision,
        allow_patterns=list(patterns),
        tqdm_class=None if report is None and sys.stderr.isatty() else _bar(repository, report),
    )
    try:
        if kept:
            with suppress(LocalEntryNotFoundError):  # not here, or not all of it
                return Path(fetched(local_files_only=True))
        if network.is_sealed() or (not asked and network.is_closed()):
            raise InputError(
                f"{kind} {repository!r} is not on this machine, and nothing is fetched here that was not named; fetch "
                "it with `bench data get --for` and the options of the run."
            )
        with network.opened():
            return Path(fetched())
    except InputError:
        raise
    except (HTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise InputError(f"{kind} {repository!r} cannot be had from the hub: {_said(error)}.") from None


def _bar(repository: str, report: Report | None) -> type[Any]:
    """A bar that draws nothing, but reports how many bytes of a repository are here."""
    # not the client's own, which is silent once anybody, as transformers does, turned its bars off
    from tqdm.auto import tqdm  # type: ignore[import-untyped]

    class Bar(tqdm):
        def __init__(self, *args: Any, **given: Any) -> None:
            given.pop("name", None)
            super().__init__(*args, **{**given, "file": io.StringIO(), "disable": False})

        def display(self, *_: Any, **__: Any) -> bool:
            if report and self.unit == "B" and not str(self.desc).startswith("Downloading bytes"):
                report(repository, int(self.n), int(self.total or 0))
            return True

    return Bar


def _said(error: BaseException) -> str:
    """What an error of huggingface_hub comes to, and what helps."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    cause = (isinstance(error, LocalEntryNotFoundError) and error.__cause__) or error
    code = getattr(getattr(cause, "response", None), "status_code", None)
    if isinstance(cause, HFValidationError):
        return "an id is owner/name"
    if isinstance(cause, GatedRepoError):
        return "its owner lets in whom he knows; accept its terms on its page, then `hf auth login`"
    if isinstance(cause, RevisionNotFoundError):
        return "it has no such revision"
    if isinstance(cause, RepositoryNotFoundError):
        return "it is not there, or private; check the name, or `hf auth login`"
    if isinstance(cause, OfflineModeIsEnabled):
        return "it is not on this machine, and HF_HUB_OFFLINE forbids to ask"
    if code is not None:
        return f"it answers {code}; try again later, or from a network that lets you"
    said = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
    return f"no connection ({said}); fetch it on a machine that has one and copy the folder of $HF_HOME"
