"""CIFAR-10 from its binary version or its pickles, and as folders of JPEGs."""

from __future__ import annotations

import hashlib
import io
import pickle
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..symmflow.errors import InputError
from .card import Card
from .download import Download
from .filed import FileDataSet
from .layout import IMAGE, Array, Layout, Sample
from .listed import Incomplete, listed, stems
from .piece import OWN, Read, part

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
BATCHES = {"train": TRAIN, "test": ("test_batch",)}
"""Files of every split, in their official order; binary ones end in .bin."""
RECORDS, PIXELS = 10_000, 3 * 32 * 32
"""Records a file, bytes an image: planes of red, green and blue."""
MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
"""Of the pickles, as torchvision has them too."""
ALLOWED = (("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype"))
"""All that a batch has to name; nothing else is ever imported for one."""
COUNTS = {"train": (5_000,) * 10, "test": (1_000,) * 10}
SOURCE = "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"


class _Records(Layout):
    """Files of 10,000 images as planes of bytes, which lie together in the file, with a class each."""

    alike = True

    def __init__(self, folder: str, suffix: str, records: int = RECORDS) -> None:
        self.folder, self.suffix, self.records = folder, suffix, records
        self.needs = f"{folder}/ with {TRAIN[0]}{suffix} to {TRAIN[-1]}{suffix} and test_batch{suffix}"

    def fits(self, root: Path) -> bool:
        return any((self.at(root) / f"{name}{self.suffix}").is_file() for names in BATCHES.values() for name in names)

    def at(self, root: Path) -> Path:
        """The folder of the batches, which `root` may be itself."""
        return root / self.folder if (root / self.folder).is_dir() else root

    def samples(self, root: Path, split: str) -> list[Sample]:
        files = [self.at(root) / f"{name}{self.suffix}" for name in BATCHES[split]]
        found, wrong = list[Sample](), list[str]()
        for number, path in enumerate(files):
            data = path.read_bytes() if path.is_file() else b""
            for row, (label, start) in enumerate(self.found(path, data) if data else ()):
                if not 0 <= label < len(CLASSES):
                    wrong.append(f"{path} record {row} is of class {label}, not of 0 to 9")
                    continue
                piece = replace(part(path, start, PIXELS), checksum=_own(data[start : start + PIXELS]))
                found.append(Sample(f"{split}-{number * self.records + row:05d}", {IMAGE: piece}, label))
        if (missing := [path for path in files if not path.is_file()]) or wrong:
            raise Incomplete(str(self.at(root)), missing, wrong, samples=found)
        return found

    def beside(self, path: Path) -> bool:
        return path.name.startswith("batches.meta") or path.suffix in (".html", ".gz")

    @abstractmethod
    def found(self, path: Path, data: bytes) -> Iterator[tuple[int, int]]:
        """Class and place of every image in a file."""

    def size(self, image: Read) -> tuple[int, int]:
        return 32, 32

    def image(self, image: Read) -> Array:
        return np.frombuffer(image.data, np.uint8).reshape(3, 32, 32).transpose(1, 2, 0)


class Binary(_Records):
    """Records of 3,073 bytes: a class, and the image."""

    name = "the binary version"

    def __init__(self, records: int = RECORDS) -> None:
        super().__init__("cifar-10-batches-bin", ".bin", records)

    def found(self, path: Path, data: bytes) -> Iterator[tuple[int, int]]:
        if len(data) != self.records * (PIXELS + 1):
            raise InputError(
                f"{path} has {len(data):,} bytes, not {self.records * (PIXELS + 1):,} ({self.records:,} records of "
                f"{PIXELS + 1:,}); get it again."
            )
        for start in range(0, len(data), PIXELS + 1):
            yield data[start], start + 1


class Pickles(_Records):
    """The python version. A file is unpickled only if it is, byte for byte, the one that is known.

    `md5`: of every file.
    """

    name = "the python version"

    def __init__(self, records: int = RECORDS, md5: Mapping[str, str] = MD5) -> None:
        super().__init__("cifar-10-batches-py", "", records)
        self.md5 = md5

    def found(self, path: Path, data: bytes) -> Iterator[tuple[int, int]]:
        known, md5 = self.md5[path.name], hashlib.md5(data, usedforsecurity=False).hexdigest()
        if md5 != known:
            raise InputError(f"{path} has the MD5 {md5}, the official file {known}; it is not read, get it again.")
        batch = _Unpickler(io.BytesIO(data), encoding="latin1").load()
        images, labels = np.asarray(batch["data"]), list(batch["labels"])
        start = data.find(images.tobytes())
        if images.dtype != np.uint8 or images.shape != (self.records, PIXELS) or len(labels) != self.records:
            raise InputError(f"{path} holds {images.shape} {images.dtype} and {len(labels)} labels; get it again.")
        assert start > 0  # protocol 2 keeps an array's bytes together
        yield from ((label, start + PIXELS * row) for row, label in enumerate(labels))


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise InputError(f"a batch of CIFAR-10 names {module}.{name}, which no official one does; it is not read.")
        if name == "_reconstruct":
            from numpy._core.multiarray import _reconstruct  # its name of today

            return _reconstruct
        return getattr(np, name)


def _own(data: bytes) -> str:
    return OWN + hashlib.sha256(data).hexdigest()


class ClassFolders(Layout):
    """A folder a split, in it one a class, in it an image a file. The first of every class come first."""

    name = "class folders"
    needs = "train/ and test/, each with a folder a class (airplane/, automobile/, ...) of .jpg files"

    def fits(self, root: Path) -> bool:
        return any((root / split / CLASSES[0]).is_dir() for split in BATCHES)

    def samples(self, root: Path, split: str) -> list[Sample]:
        by_class = {name: stems(root / split / name, ".jpg") for name in CLASSES}
        wanted = sorted((stem, label) for label, name in enumerate(CLASSES) for stem in by_class[name])
        found = listed(
            str(root),
            ((f"{CLASSES[k]}-{stem}", {IMAGE: root / split / CLASSES[k] / f"{stem}.jpg"}, k) for stem, k in wanted),
        )
        if empty := [root / split / name for name, files in by_class.items() if not files]:
            raise Incomplete(str(root), empty, samples=found)
        return found


CIFAR_10 = FileDataSet(
    Card(
        name="cifar-10",
        title="CIFAR-10, 60,000 photographs of 10 classes, 32x32",
        tasks=("cls", "sis"),
        classes=CLASSES,
        shape=(3, 32, 32),
        splits={"train": 50_000, "test": 10_000},
        licence="none stated; its author asks to be cited",
        source=SOURCE,
        obtain="`bench data get cifar-10`, or unpack cifar-10-binary.tar.gz (170 MB) of cs.toronto.edu/~kriz/cifar.html"
        " and give the folder as --data-root; the python version does too.",
        counts=COUNTS,
        notes="The binary version and the pickles hold the same images in the same order, and have one content hash. "
        "Pickles are read only where their MD5 is the official one.",
    ),
    layouts=(Binary(), Pickles()),
    version="cifar-10@1",
    unpacked=("cifar-10-batches-bin", "cifar-10-batches-py"),
    downloads=(
        Download(
            "cifar-10-binary.tar.gz",
            ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
            "md5:c32a1d4ab5d03f1284b67883e8d87530",
            unpacks="cifar-10-batches-bin",
        ),
    ),
)
CIFAR_10_JPEG = FileDataSet(
    Card(
        name="cifar-10-jpeg",
        title="CIFAR-10 as JPEG files, 32x32",
        tasks=("cls", "sis"),
        classes=CLASSES,
        shape=(3, 32, 32),
        splits={"train": 50_000, "test": 10_000},
        licence="none stated; its author asks to be cited",
        source=SOURCE + ", encoded as JPEG",
        obtain="Any copy of CIFAR-10 in folders train/CLASS/*.jpg and test/CLASS/*.jpg; give their folder as "
        "--data-root.",
        counts=COUNTS,
        notes="Encoding has changed the pixels: its figures are none of CIFAR-10. The first image of every class comes "
        "before the second of any.",
    ),
    layouts=(ClassFolders(),),
    version="cifar-10-jpeg@1",
)
