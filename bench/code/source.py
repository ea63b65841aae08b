"""One source file: its digest, and what it imports, read from its text alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .plain import digest


@dataclass(frozen=True)
class Import:
    """`from module import name`; of a whole module the name is None.

    `attributes`: what the file takes of it where it is a package (`judges.load`), or None for all.
    """

    module: str
    name: str | None
    attributes: frozenset[str] | None = None


@dataclass(frozen=True)
class Source:
    """A file as far as others depend on it."""

    digest: str
    imports: Sequence[Import]
    """Also those inside functions; not those that only type checkers see."""
    passed_on: Mapping[str, Import]
    """By the name that others ask for: what a package has from elsewhere, at once or on first use (PEP 562)."""


@lru_cache(maxsize=1024)
def parsed(text: bytes, module: str, is_package: bool) -> Source:
    """The source of a module. Raises SyntaxError for what this Python cannot parse."""
    tree = ast.parse(text)
    package = module.split(".") if is_package else module.split(".")[:-1]
    nodes = list(ast.walk(tree))
    for_checkers = [node for node in nodes if isinstance(node, ast.If) and _is_for_checkers(node.test)]
    unseen = {id(node) for block in for_checkers for one in block.body for node in ast.walk(one)}
    used = _attributes(nodes)
    found = [one for node in nodes if id(node) not in unseen for one in _imports(node, package, used)]
    return Source(digest(tree), tuple(found), _passed_on(tree, for_checkers, package) if is_package else {})


def _is_for_checkers(test: ast.AST) -> bool:
    """`TYPE_CHECKING`, `typing.TYPE_CHECKING`."""
    return "TYPE_CHECKING" in (getattr(test, "id", ""), getattr(test, "attr", ""))


def _imports(node: ast.AST, package: Sequence[str], used: Mapping[str, frozenset[str] | None]) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, None)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(node, package)
        for alias in node.names:
            bound = alias.asname or alias.name
            yield Import(base, None) if alias.name == "*" else Import(base, alias.name, used.get(bound, frozenset()))
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        name = node.args[0].value
        if called in ("import_module", "__import__") and isinstance(name, str):
            above = len(name) - len(name.lstrip("."))
            yield Import(".".join([*package[: len(package) - above + 1], name[above:]]) if above else name, None)


def _absolute(node: ast.ImportFrom, package: Sequence[str]) -> str:
    """The module that a relative import names."""
    if not node.level:
        return node.module or ""
    return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])


def _attributes(nodes: Sequence[ast.AST]) -> dict[str, frozenset[str] | None]:
    """By name: the attributes that a file takes of it, or None where it also uses it as a whole."""
    taken: dict[str, set[str]] = {}
    within = set()
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            taken.setdefault(node.value.id, set()).add(node.attr)
            within.add(id(node.value))
    whole = {node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in within}
    return {name: frozenset(found) for name, found in taken.items()} | dict.fromkeys(whole)


def _passed_on(tree: ast.Module, for_checkers: Sequence[ast.If], package: Sequence[str]) -> dict[str, Import]:
    lazy = any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body)
    blocks: list[ast.Module | ast.If] = [tree, *(for_checkers if lazy else ())]
    return {
        alias.asname or alias.name: Import(_absolute(node, package), alias.name)
        for block in blocks
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name != "*"
    }
