"""Where the files of modules lie, without importing one: those of symmbench, and of the packages that add to it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path

OWN = "symmbench"


@dataclass(frozen=True)
class Place:
    """The file of a module."""

    module: str
    path: Path
    is_package: bool

    @property
    def name(self) -> str:
        """`symmbench/symmflow/solvers.py`, `linear.py`: the same wherever the package lies."""
        parts = [*self.module.split("."), *(["__init__"] if self.is_package else [])]
        return "/".join(parts) + self.path.suffix


def find(module: str) -> Place | None:
    """The file of a module; None where there is no such module, or it has no file (a namespace)."""
    spec = _spec(module)
    if spec is None or spec.origin is None or not spec.has_location:
        return None
    return Place(module, Path(spec.origin), spec.submodule_search_locations is not None)


def _spec(module: str) -> ModuleSpec | None:
    """Like `importlib.util.find_spec`, which would import the packages above."""
    if module in sys.modules:
        return getattr(sys.modules[module], "__spec__", None)
    above, _, _ = module.rpartition(".")
    where: Sequence[str] | None = None
    if above:
        package = _spec(above)
        if package is None or package.submodule_search_locations is None:
            return None
        where = list(package.submodule_search_locations)
    specs = (finder.find_spec(module, where) for finder in sys.meta_path if hasattr(finder, "find_spec"))
    return next((spec for spec in specs if spec is not None), None)


def roots_of(point: EntryPoint) -> frozenset[str]:
    """The top-level names of the distribution that registers an entry point."""
    top = point.module.partition(".")[0]
    if top == OWN:
        return frozenset({OWN})
    return frozenset({OWN, top, *(_names(point.dist) if point.dist else ())})


def _names(dist: Distribution) -> Iterator[str]:
    yield from (dist.read_text("top_level.txt") or "").split()
    for file in dist.files or ():
        first = file.parts[0]
        if len(file.parts) > 1 and first != ".." and not first.endswith((".dist-info", ".egg-info")):
            yield first
        elif file.suffix in (".py", ".so"):
            yield first.partition(".")[0]


def is_beside(module: str, point: EntryPoint) -> bool:
    """Whether a top-level module lies in the folder of sources that an editable install takes an entry point from."""
    facts = point.dist.read_text("direct_url.json") if point.dist else None
    if not facts or not json.loads(facts).get("dir_info", {}).get("editable"):
        return False
    found = [find(name) for name in (module, point.module.partition(".")[0])]
    homes = [place.path.parents[place.is_package] for place in found if place]
    return len(homes) == 2 and homes[0] == homes[1]
