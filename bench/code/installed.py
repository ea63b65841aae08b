"""The code that is installed: from what is asked for to the files that decide it, and their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path

from ...symmflow.plugins import points
from ..records import Code
from . import places
from .places import OWN, Place
from .source import Import, Source, parsed

LEFT_OUT = (
    f"{OWN}.symmflow.train",  # training ends with a checkpoint, which has a hash of its own
    f"{OWN}.symmflow.objective",
    f"{OWN}.reports",  # pages and pictures for people
    f"{OWN}.bench.run.kept",  # pictures beside the evidence
    f"{OWN}.bench.records.record",  # what is written down of a figure when there is one
)
"""Modules that decide neither outputs nor figures, with all below them."""


def read_file(path: Path) -> bytes:
    return path.read_bytes()


@dataclass
class Installed:
    """The code on this machine, every file read once. Nothing is imported.

    What is asked for is a module (`symmbench.bench.run.evaluate`) or a registered object (`methods:unet`). It comes
    with what its file imports, also inside functions, within symmbench and within the package that registers it. A name
    that a package only passes on is followed to where it is made. What is imported under a computed name is not seen.
    Files are read as they lie on disk: who edits one in a running process starts that process again.
    """

    _texts: dict[Path, bytes] = field(default_factory=dict)
    _places: dict[str, Place | None] = field(default_factory=dict)
    _codes: dict[tuple[str, ...], Code] = field(default_factory=dict)

    def code(self, asked: Iterable[str], known: Code | None = None) -> Code:
        """The code of what is asked for. `known`, of an earlier time, spares the work where no file has changed."""
        of = tuple(sorted(set(asked)))
        if of not in self._codes:
            if known is not None and known.of == of and known.text and known.text == self._text(known):
                self._codes[of] = known
            else:
                self._codes[of] = self._made(of)
        return self._codes[of]

    def again(self, known: Code) -> Code:
        """The code of what some earlier code was of."""
        return self.code(known.of, known)

    def _text(self, known: Code) -> str:
        """The hash of the text of the same files, where what is asked for still begins in one of them."""
        found = [self.place(_module_of(name)) for name in known.files]
        starts = [self.place(module) for module, _ in map(self._start, known.of)]
        if None in found or any(place is None or place.name not in known.files for place in starts):
            return ""
        return self._hash([place for place in found if place])

    def _made(self, of: tuple[str, ...]) -> Code:
        files, found = dict[str, str](), list[Place]()
        for asked in of:
            module, point = self._start(asked)
            if self.place(module) is None:
                files[asked] = ""
                continue
            walk = _Walk(self, point)
            walk.module(module)
            found += walk.found.values()
        unique = {place.name: place for place in found}
        files |= {name: self.source(place).digest for name, place in unique.items()}
        files = dict(sorted(files.items()))
        said = "\n".join(f"{name} {digest}" for name, digest in files.items())
        text = "" if "" in files.values() else self._hash([unique[name] for name in files])
        return Code(digest=_sha256(said.encode()), of=of, files=files, text=text)

    def _start(self, asked: str) -> tuple[str, EntryPoint | None]:
        """The module where what is asked for begins, and its entry point; no module where it is not registered."""
        group, colon, name = asked.partition(":")
        if not colon:
            return asked, None
        point = next(iter(points(f"{OWN}.{group}").get(name, ())), None)
        return (point.module, point) if point else ("", None)

    def place(self, module: str) -> Place | None:
        if module not in self._places:
            self._places[module] = places.find(module) if module else None
        return self._places[module]

    def read(self, place: Place) -> bytes:
        if place.path not in self._texts:
            self._texts[place.path] = read_file(place.path)
        return self._texts[place.path]

    def source(self, place: Place) -> Source:
        text = self.read(place)
        with suppress(SyntaxError, ValueError):  # half edited, or of a newer Python
            if place.path.suffix == ".py":
                return parsed(text, place.module, place.is_package)
        return Source(_sha256(text), (), {})  # also what is compiled: its bytes

    def _hash(self, found: Sequence[Place]) -> str:
        return _sha256(b"".join(f"{p.name} {_sha256(self.read(p))}\n".encode() for p in found))


@dataclass
class _Walk:
    """The files that one thing is made of."""

    installed: Installed
    point: EntryPoint | None
    """Of what is asked for; None: of symmbench alone."""
    found: dict[str, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tops = set(places.roots_of(self.point)) if self.point else {OWN}
        self.foreign = set[str]()
        self.followed = set[Import]()

    def module(self, module: str) -> None:
        """With all that it imports."""
        if not module or module in self.found or _is_left_out(module) or not self._is_own(module):
            return
        place = self.installed.place(module)
        if place is None:
            return
        self.found[module] = place
        if not module.startswith(
            f"{OWN}."
        ):  # ours only pass names on, but theirs run when a module in them is imported
            self.module(module.rpartition(".")[0])
        for one in self.installed.source(place).imports:
            self._follow(one)

    def _follow(self, one: Import) -> None:
        """To where a name is made."""
        if one in self.followed or not self._is_own(one.module):
            return
        self.followed.add(one)
        if one.name is None:
            self.module(one.module)
            return
        inner = f"{one.module}.{one.name}"
        place = self.installed.place(inner)
        if place is not None and not (place.is_package and one.attributes is not None):
            self.module(inner)
        elif place is not None and one.attributes is not None:
            for attribute in one.attributes:
                self._follow(Import(inner, attribute))
        elif (home := self.installed.place(one.module)) is None:
            return
        elif passed_on := self.installed.source(home).passed_on.get(one.name):
            self._follow(Import(passed_on.module, passed_on.name, one.attributes))
        else:
            self.module(one.module)

    def _is_own(self, module: str) -> bool:
        top = module.partition(".")[0]
        if top in self.tops or top in self.foreign:
            return top in self.tops
        mine = self.point is not None and places.is_beside(top, self.point)
        (self.tops if mine else self.foreign).add(top)
        return mine


def _is_left_out(module: str) -> bool:
    return any(module == left or module.startswith(f"{left}.") for left in LEFT_OUT)


def _module_of(name: str) -> str:
    """The module of a file's name."""
    return name.rpartition(".")[0].replace("/", ".").removesuffix(".__init__")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
