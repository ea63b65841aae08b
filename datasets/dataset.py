"""The interface of a data set; another package adds an instance to the entry-point group `symmbench.datasets`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from ..symmflow.errors import InputError
from .card import Card
from .download import Report
from .layout import Layout
from .split import Array, ArraySplit, Manifest, Split, content_sha256
from .view import View


class DataSet(ABC):
    """A data set: its facts, which samples its splits hold, and the samples.

    `split` is one of the card's; `root` is where the user says that files lie, or None.
    """

    card: Card
    said: str = ""
    """What was taken for granted of it, in a sentence for the user."""

    @property
    def name(self) -> str:
        return self.card.name

    @abstractmethod
    def manifest(self, split: str, root: Path | None) -> Manifest:
        """Which samples a split holds; decodes no image."""

    @abstractmethod
    def load(self, split: str, root: Path | None) -> Split:
        """The samples of a split. Raises `InputError` where they cannot be had."""

    def get(self, root: Path | None, report: Report | None = None) -> Path | None:
        """Fetch the files that are not here: the folder in which they lie, in `root` if given; None: it has none.

        Raises `ByHand` where only its user can fetch them, `Unreachable` where nobody gives them.
        """
        return None

    def seen(self, view: View) -> DataSet:
        """The same images at the size and crop of a view; its card is called `name@view`."""
        raise InputError(f"{self.name} is seen at its own size only; drop the size {view}.")


class Embedded(DataSet):
    """A data set that code makes of what ships with the package or its dependencies.

    So its content is known: `content` is the content hash of each split as this version of the code makes it
    (`bench data verify` prints them). Code that makes other data gets another version and other hashes. A split of no
    known hash is taken as it comes, and is made whenever its hash is asked for.
    """

    content: Mapping[str, str] = {}

    def ids(self, split: str) -> tuple[str, ...]:
        """Ids of the samples, without making one."""
        return tuple(f"{split}-{i:05d}" for i in range(self.card.splits[split]))

    @abstractmethod
    def arrays(self, split: str) -> tuple[Array, Array]:
        """Images and labels, as `ArraySplit` has them."""

    def manifest(self, split: str, root: Path | None = None) -> Manifest:
        content = self.content.get(split) or content_sha256(*self.arrays(split))
        return Manifest(self.name, split, self.ids(split), content, self.card.shape)

    def load(self, split: str, root: Path | None = None) -> Split:
        return ArraySplit(self.card, self.manifest(split), *self.arrays(split))


class Family(ABC):
    """Data sets that are named by what follows a colon: `folder:PATH`, `hf:OWNER/NAME`.

    Another package adds an instance to the entry-point group `symmbench.families`.
    """

    name: str
    """What stands before the colon."""
    what: str
    """A few words on what follows it."""

    @abstractmethod
    def located(self, argument: str, root: Path | None) -> tuple[str, Path | None]:
        """A lasting argument, without where files lie on this machine, and that: of a path its last part, and the path.

        `open` takes both again, also where `root` is another folder on another machine.
        """

    @abstractmethod
    def open(self, argument: str, root: Path | None) -> DataSet:
        """The data set of an argument; its card is called `name:argument`. Raises `InputError` where it is none."""

    def layout(self, argument: str, root: Path | None) -> tuple[Layout, Path, list[str]] | None:
        """How the files of a data set lie, where, and its splits, as far as that can be told of damaged ones."""
        return None

    def get(self, argument: str, root: Path | None, report: Report | None = None) -> Path | None:
        """As `DataSet.get`, of one that may not be here yet."""
        return self.open(argument, root).get(root, report)
