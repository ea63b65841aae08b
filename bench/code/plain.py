"""What a source says, whatever it looks like: its syntax tree without comments, docstrings and layout.

Standard library alone, so that any Python can run this file: the digest of a source is the same from 3.11 on.
"""

from __future__ import annotations

import ast
import hashlib
from typing import Any

OF_NO_MEANING = {"ctx", "kind", "type_comment", "type_ignores"}
"""Fields of nodes: what stands elsewhere already, or is for type checkers."""


def digest(tree: ast.AST) -> str:
    """First 16 hex digits of the SHA-256 of what a source says."""
    said: list[str] = []
    _say(tree, said)
    return hashlib.sha256("".join(said).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _say(node: Any, said: list[str]) -> None:
    """A node as text, one way only: its kind, and its fields as far as they hold something."""
    if isinstance(node, ast.AST):
        if isinstance(node, ast.JoinedStr):
            node = ast.JoinedStr(_pieces(node.values))
        said.append(f"{type(node).__name__}(")
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(node, ast.Constant) and name == "value":
                said.append(_constant(value))
            elif (
                name not in OF_NO_MEANING and value is not None and value != []
            ):  # absent in one version, empty in another
                said.append(f"{name}=")
                _say(value, said)
        said.append(")")
    elif isinstance(node, list):
        said.append("[")
        for one in _statements(node):
            _say(one, said)
        said.append("]")
    else:
        said.append(f"{node!a},")


def _statements(nodes: list[Any]) -> list[Any]:
    """Without strings that stand alone: docstrings, also those of fields. What is left of a body may be nothing."""
    return [n for n in nodes if not (isinstance(n, ast.Expr) and _is_string(n.value))]


def _is_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _constant(value: Any) -> str:
    """In ASCII, since versions know other characters; whole numbers in hexadecimal, the only text of very long ones."""
    return f"{type(value).__name__}:{value:x}," if type(value) is int else f"{type(value).__name__}:{value!a},"


def _pieces(values: list[Any]) -> list[Any]:
    """The pieces of an f-string, which versions of Python cut differently: texts joined, empty ones left out."""
    pieces: list[Any] = []
    for value in values:
        if isinstance(value, ast.FormattedValue):
            spec = value.format_spec
            if isinstance(spec, ast.JoinedStr) and not _pieces(spec.values):
                spec = None
            pieces.append(ast.FormattedValue(value.value, value.conversion, spec))
        elif pieces and isinstance(pieces[-1], ast.Constant):
            pieces[-1] = ast.Constant(pieces[-1].value + value.value)
        elif value.value:
            pieces.append(ast.Constant(value.value))
    return pieces
