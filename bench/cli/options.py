"""Options of the command line out of the fields of a request, so that help, defaults and names stand in one place."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import typer

from ..run.asked import Asked
from . import complete, parse

PLAIN = (bool, int, float, str, Path)
SHOWN: dict[type[Any], str] = {int: "N", float: "X", str: "TEXT", Path: "PATH"}
SEVERAL = "NAME,NAME"
"""How the help calls the kinds of values."""


def takes(
    source: type[Any] | Callable[..., Any], *names: str, **defaults: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of some fields of a request, or keywords of a function (all, if none is named).

    The command gets them as keywords. `defaults`: where its own differ. A field of several values is one option of
    comma separated ones; a mapping is an option that is repeated, KEY=VALUE.
    """
    known = inspect.signature(source).parameters
    hints = {name: _hint(parameter.annotation, source.__module__) for name, parameter in known.items()}
    chosen = [name for name in known if _asked(hints.get(name)) and (name in names or not names)]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        own = inspect.signature(command, eval_str=True)
        kept = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        readers, added = {}, []
        for name in chosen:
            default = defaults.get(name, known[name].default)
            parameter, readers[name] = _option(name, hints[name], default)
            added.append(parameter)

        @wraps(command)
        def parsed(**given: Any) -> Any:
            for name, read in readers.items():
                given[name] = read(given[name])
            return command(**given)

        everything = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in [*_before(kept), *added, *_after(kept)]]
        parsed.__signature__ = own.replace(parameters=everything)  # type: ignore[attr-defined]
        parsed.__annotations__ = {p.name: p.annotation for p in everything} | {"return": own.return_annotation}
        return parsed

    return decorate


def _hint(annotation: Any, module: str) -> Any:
    """An annotation as a type; None for one of names that are there for type checkers alone: no option."""
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, vars(sys.modules[module]))
    except NameError:
        return None


def _asked(hint: Any) -> Asked | None:
    """What an annotation says for the command line."""
    return next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Asked)), None)


def _is_argument(parameter: inspect.Parameter) -> bool:
    return isinstance(parameter.default, typer.models.ArgumentInfo)


def _before(parameters: Sequence[inspect.Parameter]) -> list[inspect.Parameter]:
    return [p for p in parameters if _is_argument(p)]


def _after(parameters: Sequence[inspect.Parameter]) -> list[inspect.Parameter]:
    return [p for p in parameters if not _is_argument(p)]


def _option(name: str, hint: Any, default: Any) -> tuple[inspect.Parameter, Callable[[Any], Any]]:
    """The option of a field, and what reads its text."""
    asked = _asked(hint)
    assert asked is not None
    flags = asked.flags or (f"--{name.replace('_', '-')}",)
    kind, read, shown, metavar = _read(get_args(hint)[0], flags[0], asked.least, default)
    completer = None
    if asked.of:
        completer = complete.several(asked.of) if metavar == SEVERAL else complete.of(asked.of)
    option = typer.Option(
        ... if default is inspect.Parameter.empty else shown,
        *flags,
        help=asked.help,
        metavar=metavar,
        autocompletion=completer,
        rich_help_panel=asked.panel,
    )
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=kind), read


def _read(kind: Any, flag: str, least: int | None, default: Any) -> tuple[Any, Callable[[Any], Any], Any, str | None]:
    """(type that Typer reads, what makes the field's value of it, default and kind of value as Typer shows them)."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType):  # of a list or one name, the list
        able = get_args(kind)
        kind = next((k for k in able if get_origin(k) is not None), kind)
    origin = get_origin(kind)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return list[str], partial(parse.overrides, option=flag), [], "KEY=VALUE"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        text = ",".join(map(str, default)) or None
        whole = get_args(kind)[0] is int
        several: Callable[[str], Any] = (
            partial(parse.integers, option=flag, minimum=least or 0) if whole else partial(parse.names, option=flag)
        )
        shown = "N,N" if whole else SEVERAL
        return (str if text else str | None), lambda given: () if given is None else several(given), text, shown
    plain = kind
    if origin in (Union, UnionType):
        plain = next(k for k in get_args(kind) if k in PLAIN)
        kind = plain | None if NoneType in get_args(kind) else plain
    return kind, lambda value: value, default, SHOWN.get(plain)
