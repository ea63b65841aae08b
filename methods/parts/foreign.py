"""Models that were made elsewhere and are not trained here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NoReturn

from ...datasets import Card
from ...symmflow.errors import InputError
from ...symmflow.files import sha256
from ...symmflow.recipe import Recipe
from ..base import Foreign, Method
from .hub import from_hub

if TYPE_CHECKING:
    from torch import nn

    from ...symmflow.objective import Objective

TRANSFORMERS = "transformers is not installed; pip install 'symmbench[hf]'"


class Pretrained(Method):
    """`name:<folder or hub id>`: a model in the format of another library."""

    files: ClassVar[tuple[str, ...]]
    """Patterns of the files that decide what a model does."""
    needs: ClassVar[tuple[str, ...]]
    """Patterns of those that every model has."""

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
        return foreign_checkpoint(where, cls.files, cls.needs)


def foreign_checkpoint(where: str, patterns: Sequence[str], needs: Sequence[str]) -> Foreign:
    """A model of another project: the files that match `patterns` in a folder or a hub repository, hashed together."""
    path = Path(where)
    if not path.is_dir():
        if where.count("/") != 1 or where.startswith((".", "~")):
            raise InputError(f"there is no folder {where}; give a folder or a hub id (owner/name).")
        path = from_hub(where, patterns)
    for pattern in needs:
        if not any(path.glob(pattern)):
            raise InputError(f"{where} has no {pattern}; it is not a model of this kind.")
    files = sorted({file for pattern in patterns for file in path.glob(pattern) if file.is_file()})
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(path)} {sha256(file)}\n".encode())
    return Foreign(path, where, digest.hexdigest())


@contextmanager
def loading(path: Path, kind: str) -> Iterator[None]:
    """Say in a sentence what another library finds wrong with a model."""
    try:
        yield
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(f"{path} is no {kind} ({first}).") from error
