"""Models that were made elsewhere and are not trained here."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from ...datasets import Card
from ...symmflow.bounded import check_size, check_weights
from ...symmflow.errors import InputError
from ...symmflow.files import sha256
from ...symmflow.names import one_line
from ...symmflow.network import closed
from ...symmflow.recipe import Recipe
from ..base import Foreign, Method
from .hub import from_hub, hub_id, missing

if TYPE_CHECKING:
    from torch import nn

    from ...symmflow.objective import Objective

CONFIG, WEIGHTS = 64 << 20, 1 << 40
"""Bytes of a model's files: vocabularies are the largest that is parsed."""
REPORTED = {"output_loading_info": True, "ignore_mismatched_sizes": True}
"""`from_pretrained` tells what does not fit, all of it, instead of making it up or raising; see `whole`."""
SAFE = "*.safetensors"
"""Weights that can run no code."""
TRANSFORMERS = "transformers is not installed; pip install 'symmbench[hf]'"


class Pretrained(Method):
    """`name:<folder or hub id>`: a model in the format of another library."""

    files: ClassVar[tuple[str, ...]]
    """Patterns of the files that decide what a model does."""
    needs: ClassVar[tuple[str, ...]]
    """Patterns of those that every model has."""
    pickled: ClassVar[tuple[str, ...]] = ()
    """Patterns of weights that are taken where there are no safetensors: of a pickle nothing else is read."""

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        cls._refuse_training()

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        cls._refuse_training()

    @classmethod
    def _refuse_training(cls) -> NoReturn:
        raise InputError(f"{cls.name} is not trained here; name a model with --method {cls.name}:<folder or hub id>.")

    @classmethod
    def open(cls, argument: str, dataset: str, given: str | None, trust: bool = False) -> Foreign:
        where = given or argument
        if not where:
            raise InputError(f"name the model: --method {cls.name}:<folder or hub id>.")
        return foreign_checkpoint(where, cls.files, cls.needs, cls.pickled, marked=given is not None)


def foreign_checkpoint(
    where: str, patterns: Sequence[str], needs: Sequence[str], pickled: Sequence[str] = (), *, marked: bool = False
) -> Foreign:
    """A model of another project: the files that match `patterns` in a folder or a hub repository, hashed together.

    `pickled`: with them, where there are no safetensors. `marked`: a hub id needs its mark (`hub:`).
    """
    path, repository = Path(where), None
    if not path.is_dir():
        if (repository := hub_id(where, marked=marked)) is None:
            said = missing(where) if marked else f"there is no folder {where}"
            raise InputError(f"{said}; give a folder or a hub id (hub:owner/name).")
        path = from_hub(repository, patterns)
    if pickled and not any(path.glob(SAFE)):
        patterns = (*patterns, *pickled)
        path = from_hub(repository, patterns) if repository else path
        if not any(any(path.glob(pattern)) for pattern in pickled):
            needs = (*needs, SAFE)
    for pattern in needs:
        if not any(path.glob(pattern)):
            raise InputError(f"{where} has no {pattern}; it is not a model of this kind.")
    files = sorted({file for pattern in patterns for file in path.glob(pattern) if file.is_file()})
    digest = hashlib.sha256()
    for file in files:
        check_size(file, CONFIG if file.suffix in (".json", ".txt") else WEIGHTS)
        if file.suffix == ".bin":
            check_weights(file)
        digest.update(f"{file.relative_to(path)} {sha256(file)}\n".encode())
    return Foreign(path, where, digest.hexdigest())


@contextmanager
def loading(path: Path, kind: str) -> Iterator[None]:
    """Say in a sentence what another library finds wrong with a model, and let it ask nothing of the network."""
    asked: list[str] = []
    try:
        with closed() as asked, _quiet("transformers", "diffusers"):
            yield
    except InputError:
        raise
    except Exception as error:  # whatever another library makes of files that nobody has vetted
        _complain(path, asked)
        first = (str(error).strip() or repr(error)).splitlines()[0]
        raise InputError(f"{path} is no {kind} ({type(error).__name__}: {one_line(first, 200)}).") from error
    _complain(path, asked)


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Without the coloured reports that a library logs of what `whole` says in a sentence."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _complain(path: Path, asked: Sequence[str]) -> None:
    if asked:
        raise InputError(
            f"the model in {path} is not whole: its configuration asks for files of {asked[0]}, and nothing is fetched "
            "that was not named; save it with all of its weights, without use_pretrained_backbone."
        )


def held(path: Path, make: Callable[[], nn.Module], weights: Sequence[str] = (SAFE,)) -> None:
    """Refuse a network of more parameters than its files can hold, before it is built: `make` would."""
    from ...symmflow.networks import parameters_of

    parameters = parameters_of(make)
    size = sum(file.stat().st_size for pattern in weights for file in path.glob(pattern))
    if parameters > size:
        raise InputError(
            f"the configuration in {path} is of a network of {parameters:,} parameters, and its weights are {size:,} "
            "bytes; give one whose config.json and weights belong together."
        )


def whole(path: Path, loaded: tuple[Any, Mapping[str, Any]]) -> Any:
    """The network of `from_pretrained(..., output_loading_info=True)`, if every weight of it came from the files.

    Raises `InputError` where weights are missing, and would be random, or where the files have others than it.
    """
    made, found = loaded
    for what, said in (
        ("missing_keys", "has no weights for"),
        ("mismatched_keys", "has weights of another shape for"),
        ("unexpected_keys", "has weights that the network does not know:"),
    ):
        if names := sorted(key if isinstance(key, str) else str(key[0]) for key in found.get(what) or ()):
            more = f" and {len(names) - 3} more" if names[3:] else ""
            raise InputError(
                f"the model in {path} {said} {one_line(', '.join(names[:3]), 200)}{more}; give one whose config.json "
                "and weights belong together."
            )
    if errors := found.get("error_msgs"):
        raise InputError(f"the model in {path} does not fit its config.json ({one_line(str(errors[0]), 200)}).")
    return made
