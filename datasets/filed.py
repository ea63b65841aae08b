"""Data sets in files. To add one, write a file beside this one, as `camvid.py` is:

1. a `Layout` for each way in which its files lie: `fits` says whether a folder is one, `samples` gives the ids of a
   split and for each its pieces (`whole`, `part`, `members`, `cell` of `piece.py`; a class folder or a label file says
   the class in `Sample.label`), `consulted` names the lists it read, and, where masks are not grey ids, `mask` decodes
   them (pure: bytes in, class ids out, void = `IGNORE`; `image` and `size` where images are no image files);
2. a `FileDataSet` of its card, its layouts (the first that fits is taken) and the version of its decoding, with the
   hash of the ids of each official split, and its entry point `symmbench.datasets`.

Manifest, views, workers, preparing, verifying and showing follow from these.
"""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..symmflow.errors import InputError
from . import download, prepared
from .cache import cache_folder
from .card import Card
from .catalog import Catalog, catalog
from .dataset import DataSet
from .layout import IMAGE, Layout
from .lazy import FileSplit
from .obtain import obtain
from .split import Manifest
from .view import View


class FileDataSet(DataSet):
    """A data set in one of several layouts, seen through a view: by default the whole image at the card's size.

    `version`: of the decoding. `ids_sha256`: of the ids of the official splits, joined by newlines. `native`: originals
    have the card's size, and others are resized only when a size is asked for. `unpacked`: names of the folders into
    which what is fetched unpacks.
    `downloads`: what `get` fetches into a folder of its name; none, where its makers or its licence do not let us.
    """

    view: View
    varied: bool = False
    """Whether originals, of a native one, are known to be of several sizes: then its card's is but one of them."""

    def __init__(
        self,
        card: Card,
        layouts: Sequence[Layout],
        version: str,
        *,
        ids_sha256: Mapping[str, str] | None = None,
        native: bool = False,
        unpacked: Sequence[str] = (),
        downloads: Sequence[download.Download] = (),
    ) -> None:
        self.layouts, self.version = tuple(layouts), version
        self.ids_sha256, self.native = ids_sha256 or {}, native
        self.view = View((card.size[0], card.size[1]))
        self.base = card.name
        self.card = replace(card, preprocessing=self.view.preprocessing)
        self.unpacked = tuple(unpacked)
        self.downloads = tuple(downloads)

    def seen(self, view: View) -> DataSet:
        if view == View((self.card.size[0], self.card.size[1])) and self.view == view and not self.varied:
            return self
        other = copy.copy(self)
        other.view, other.native = view, False
        shape = (self.card.channels, *view.size)
        other.card = replace(self.card, name=f"{self.base}@{view}", shape=shape, preprocessing=view.preprocessing)
        return other

    def find(self, root: Path | None) -> tuple[Layout, Path]:
        """The layout of the files and their folder: `root`, $SYMMBENCH_DATA, the cache, or one of its name in these."""
        from_env = os.environ.get("SYMMBENCH_DATA")
        roots = [root] if root else [*([Path(from_env)] if from_env else []), cache_folder("data")]
        names = (self.base, *self.unpacked)
        for folder in (one for place in roots for one in (place, *(place / name for name in names))):
            for layout in self.layouts if folder.is_dir() else ():
                if layout.fits(folder):
                    return layout, folder
        needs = "; or ".join(f"{layout.needs} ({layout.name})" for layout in self.layouts)
        if root is not None:
            raise InputError(f"--data-root {root} does not hold {self.base}; it needs {needs}. {self.card.obtain}")
        raise InputError(
            f"{self.base} is not on this machine. {self.card.obtain} Then give --data-root, the folder with {needs}."
        )

    def get(self, root: Path | None, report: download.Report | None = None) -> Path | None:
        try:
            return self.find(root)[1]
        except InputError:  # not here
            needs = [f"{layout.needs} ({layout.name})" for layout in self.layouts]
            return obtain(self.card, self.base, self.downloads, needs, root, report)

    def files(self, split: str, root: Path | None) -> Catalog:
        """Ids, pieces and checksums of a split."""
        layout, folder = self.find(root)
        return catalog(self.base, self.version, layout, folder, split)

    def manifest(self, split: str, root: Path | None) -> Manifest:
        files = self.files(split, root)
        first = files.sample(0)
        if first.label is None and set(first.pieces) == {IMAGE}:
            raise InputError(
                f"{self.base} {split} has no labels, so nothing can be measured on it; choose another split."
            )
        if self.native and (other := next((size for size in files.sizes if size != self.view.size), None)):
            height, width = other
            raise InputError(
                f"images of {self.base} {split} in {files.root} are {height}x{width}, not {self.view}; say with --size "
                f"{height}x{width} (or another) at which size they are to be seen."
            )
        said = f"{files.content_sha256} {self.view} {self.view.preprocessing}"
        return Manifest(self.card.name, split, files.ids, hashlib.sha256(said.encode()).hexdigest(), self.card.shape)

    def load(self, split: str, root: Path | None) -> FileSplit:
        layout, _ = self.find(root)
        manifest = self.manifest(split, root)
        ready = prepared.shards(manifest)
        return FileSplit(self.card, manifest, self.files(split, root), layout, self.view, ready=ready)
