"""Requests as keywords of a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, get_type_hints

from ...symmflow.errors import InputError, unknown
from ...symmflow.names import check_given
from .asked import Names

if TYPE_CHECKING:
    from ...symmflow.recipe import Recipe
    from ..protocols import Rules

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")
T = TypeVar("T", str, int)
_BY_NAME = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class RequestFields(TypedDict, total=False):
    """The fields of `Request`, as keywords."""

    methods: Names | str
    tasks: Names | str
    datasets: Names | str
    steps: Sequence[int] | int
    solver: str | None
    seeds: Sequence[int] | int
    options: Mapping[str, Any]
    checkpoint: str | Path | None
    name: str | None
    unpaired: bool
    reference: str | Path | None
    precision: str
    protocol: str | Rules
    split: str | None
    limit: int | None
    samples_per_mask: int | None
    extractor: str | None
    judge: str | None
    judge_checkpoint: str | Path | None
    judge_options: Mapping[str, Any]
    data_root: str | Path | None
    size: str | int | None
    crop: str
    scored_at: str | None
    workers: int | None
    batch_size: int | str
    device: str
    out: str | Path
    force: bool
    fresh: bool
    keep_old: bool
    part: str | None
    keep_images: int
    trust: bool


class TrainingFields(TypedDict, total=False):
    """The fields of `Training`, as keywords."""

    recipe: str | Recipe
    overrides: Mapping[str, Any]
    max_steps: int | None
    max_minutes: float | None
    data_root: str | Path | None
    out: str | Path | None
    device: str
    workers: int | None
    cache_latents: bool | None
    trackers: Names | str
    trust: bool


class WantedFields(TypedDict, total=False):
    """The fields of `Wanted`, as keywords."""

    tasks: Names | str
    datasets: Names | str
    methods: Names | str
    steps: Sequence[int] | int
    protocol: str


def takes_fields(kind: type[Any]) -> Callable[[F], F]:
    """Show the fields of a request in the signature of a function that takes them as keywords."""

    def decorate(function: F) -> F:
        own = inspect.signature(function)
        taken = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        shown = [
            inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=_default(f), annotation=f.type)
            for f in fields(kind)
        ]

        @wraps(function)
        def called(*args: Any, **given: Any) -> Any:
            return function(*args, **given)

        called.__signature__ = own.replace(parameters=[*taken, *shown])  # type: ignore[attr-defined]
        return called  # type: ignore[return-value]

    return decorate


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is MISSING else field.default


def named(function: F) -> F:
    """A keyword that the function does not take is refused with the nearest one that it does."""
    known = [name for name, p in inspect.signature(function).parameters.items() if p.kind in _BY_NAME]

    @wraps(function)
    def called(*args: Any, **given: Any) -> Any:
        check_given(args)
        for name, value in given.items():
            if name not in known:
                raise unknown("keyword", name, known)
            check_given(value)
        return function(*args, **given)

    return called  # type: ignore[return-value]


def request_of(kind: type[R], given: R | None, keywords: Mapping[str, Any]) -> R:
    """The given request, or one of keywords: a single name or number where several could stand is one of them."""
    if given is not None:
        if keywords:
            raise InputError(f"give a {kind.__name__} or its fields, not both.")
        return given
    hints, values = get_type_hints(kind), {}
    for name, value in keywords.items():
        if name not in hints:
            raise unknown("keyword", name, hints)
        check_given(value)
        values[name] = _fitting(hints[name], value)
    return kind(**values)


def several(given: Sequence[T] | T) -> tuple[T, ...]:
    """What may be given alone where several could stand."""
    return (given,) if isinstance(given, str | int) else tuple(given)


def path_of(given: Path | str | None) -> Path | None:
    return None if given is None else Path(given)


def text_of(given: Path | str | None) -> str | None:
    return None if given is None else str(given)


def _fitting(hint: Any, value: Any) -> Any:
    if hint in (Names, Sequence[int]):
        return several(value)
    paths = hint is Path or hint == (Path | None)
    return Path(value) if paths and value is not None else str(value) if isinstance(value, Path) else value
