"""Configurations of mmsegmentation: found, read, fitted to our classes, and refused where they could run code."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...symmflow.bounded import TEXT, read_bytes
from ...symmflow.errors import InputError, unknown

INSTALL = "mmsegmentation is not installed; pip install 'symmbench[mmseg]'"


def config_path(name: str, trust: bool = True) -> Path:
    """A config of the installed mmsegmentation; any other file only with `trust`, because it is run."""
    spec = find_spec("mmseg")
    if spec is None or spec.origin is None:
        raise InputError(f"{INSTALL}.")
    root = Path(spec.origin).parent / ".mim" / "configs"
    inside = (root / name).resolve()
    if inside.is_file() and inside.is_relative_to(root.resolve()):
        return inside
    if not Path(name).is_file():
        raise unknown("mmsegmentation config", name, [str(p.relative_to(root)) for p in root.glob("*/*.py")])
    if not trust:
        raise InputError(f"{name} is no config of mmsegmentation but a program of its own; add --trust to run it.")
    return Path(name)


def package_version() -> str:
    """The version of the installed mmsegmentation, whatever its distribution is called."""
    for name in ("onedl-mmsegmentation", "mmsegmentation"):
        with suppress(PackageNotFoundError):
            return f"{name} {version(name)}"
    raise InputError(f"{INSTALL}.")


def config_files(path: Path) -> list[Path]:
    """A config and all that it inherits from (`_base_`, `read_base`), each once, in the order in which they are named.

    Read without running any.
    """
    found, ahead = dict[Path, None](), [path]
    while ahead:
        file = ahead.pop(0).resolve()
        if file not in found:
            found[file] = None
            ahead += _bases(file)
    return list(found)


def _bases(path: Path) -> list[Path]:
    try:
        if path.suffix != ".py":
            import yaml  # reads JSON too

            named = yaml.safe_load(read_bytes(path, TEXT)).get("_base_", [])
            return [_base(path, name) for name in ([named] if isinstance(named, str) else named)]
        tree = ast.parse(read_bytes(path, TEXT))
        named = [
            name
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "_base_"
            for value in [ast.literal_eval(node.value)]
            for name in ([value] if isinstance(value, str) else value)
        ]
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); another config inherits from it.") from None
    except (SyntaxError, ValueError, AttributeError, RecursionError, MemoryError) as error:  # nested beyond reading
        raise InputError(f"{path}: what it inherits from cannot be told ({error}); write its _base_ out.") from None
    return [*(_base(path, name) for name in named), *_read_bases(path, tree)]


def _base(path: Path, name: str) -> Path:
    """`../_base_/x.py` beside a config, `mmdet::_base_/x.py` in the configs of a package."""
    package, external, inside = name.partition("::")
    return _root(package) / ".mim" / "configs" / inside if external else path.parent / name


def _read_bases(path: Path, tree: ast.Module) -> Iterator[Path]:
    """The files of what is imported under `with read_base():`."""
    for block in tree.body:
        if isinstance(block, ast.With) and any("read_base" in ast.unparse(item.context_expr) for item in block.items):
            for node in block.body:
                if isinstance(node, ast.ImportFrom):
                    parts = (node.module or "").split(".") if node.module else []
                    above = path.parents[node.level - 1] if node.level else _root(parts.pop(0))
                    module = above.joinpath(*parts)
                    names = [module / alias.name for alias in node.names] if module.is_dir() else [module]
                    yield from (name.with_suffix(".py") for name in names)


def _root(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise InputError(f"a config inherits from one of {package}, which is not installed.")
    return Path(spec.origin).parent


def read_config(name: str, overrides: Mapping[str, Any], *, whole: bool = True) -> dict[str, Any]:
    """The model of a config: no download, no synchronised batch norm, and whole-image inference where `whole`."""
    path = config_path(name)
    try:
        from mmengine.config import Config
    except ImportError:
        raise InputError(f"{INSTALL}.") from None
    for key in overrides:
        if not key.startswith("model."):
            raise InputError(f"options.overrides: {key!r} is not of the model; keys begin with 'model.'.")
    try:
        config = Config.fromfile(path)
    except Exception as error:  # a config is a program and can fail in any way
        raise InputError(f"{name} cannot be read ({type(error).__name__}: {str(error).splitlines()[0]}).") from error
    try:
        config.merge_from_dict(dict(overrides))
        model = config.model.to_dict()
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"options.overrides do not fit {name}: {error}.") from None
    return _local(model) | ({"test_cfg": {"mode": "whole"}} if whole else {})


def _local(node: Any) -> Any:
    """Without pretrained weights, and with batch norm of one process."""
    if isinstance(node, dict):
        kept = {k: v for k, v in node.items() if k != "pretrained" and not (k == "init_cfg" and _downloads(v))}
        plain = {key: _local(value) for key, value in kept.items()}
        return plain | {"type": "BN"} if plain.get("type") == "SyncBN" else plain
    return type(node)(map(_local, node)) if isinstance(node, list | tuple) else node  # some parts insist on tuples


def _downloads(init: Any) -> bool:
    return any(isinstance(i, dict) and "checkpoint" in i for i in (init if isinstance(init, list) else [init]))


def set_classes(model: dict[str, Any], num_classes: int) -> None:
    """Make every head of a model tell `num_classes`."""
    for key in ("decode_head", "auxiliary_head"):
        heads = model.get(key) or []
        for head in heads if isinstance(heads, list) else [heads]:
            if not _set_classes(head, num_classes):  # left to the part's default
                head["num_classes"] = num_classes


def _set_classes(node: Any, num_classes: int) -> bool:
    """Change every `num_classes` in a head, also of heads within it; whether there was one.

    Weights of other classes than ours in its losses go.
    """
    weights = node.get("class_weight") if isinstance(node, dict) else None
    if isinstance(weights, list | tuple) and len(weights) != num_classes:
        del node["class_weight"]
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ()
    found = [_set_classes(value, num_classes) for value in inside]
    if isinstance(node, dict) and "num_classes" in node:
        if node.get("out_channels") in (1, node["num_classes"]):  # of logits, not of a hidden layer
            del node["out_channels"]
        node["num_classes"] = num_classes
        return True
    return any(found)


def check_types(node: Any, known: set[str]) -> None:
    """Refuse a `type` that no registry has: mmengine would import it, and call it with what stands beside it."""
    if isinstance(node, dict):
        kind = node.get("type")
        if kind is not None and kind not in known:
            raise InputError(f"the config names a type {kind!r} that mmsegmentation does not register.")
        node = list(node.values())
    if isinstance(node, list | tuple):
        for value in node:
            check_types(value, known)
