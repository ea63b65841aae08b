"""MNIST and Fashion-MNIST from their official idx files, 28x28."""

from __future__ import annotations

import hashlib
import math
import os
import zlib
from pathlib import Path

import numpy as np

from ..symmflow.bounded import gunzip
from ..symmflow.errors import InputError
from .cache import cache_folder, kept_content
from .card import Card
from .dataset import DataSet
from .download import Download, Report, fetch
from .split import Array, ArraySplit, Manifest

VERSION = "idx@1"
"""Of what is made of the files: raised when the resizing changes."""
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
LARGEST, HEAD = 1 << 30, 20
"""Entries of an idx file; bytes at its beginning that tell how many it has."""
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


class Idx(DataSet):
    """A data set in four idx files, 28x28. `places`: folders where other packages put them."""

    def __init__(self, card: Card, torchvision: str, places: tuple[Path, ...] = ()) -> None:
        self.card, self.torchvision, self.places = card, torchvision, places

    def manifest(self, split: str, root: Path | None) -> Manifest:
        files = self._files(split, root)
        content = kept_content(VERSION, files, lambda: _content(*self._read(split, *files)))
        ids = tuple(f"{split}-{i:05d}" for i in range(self.card.splits[split]))
        return Manifest(self.name, split, ids, content, self.card.shape)

    def load(self, split: str, root: Path | None) -> ArraySplit:
        manifest = self.manifest(split, root)
        images, labels = self._read(split, *self._files(split, root))
        resized = _resize(images, self.card.size)[:, None]  # [N, 1, H, W]
        return ArraySplit(self.card, manifest, resized, labels.astype(np.int64), _content(images, labels))

    def _read(self, split: str, image_file: Path, label_file: Path) -> tuple[Array, Array]:
        """Images uint8 [N, 28, 28] and class ids uint8 [N] as the files have them."""
        card, count = self.card, self.card.splits[split]
        images, labels = read_idx(image_file, 2 * count * 28 * 28), read_idx(label_file, 2 * count)
        if images.shape != (count, 28, 28) or labels.shape != (count,):
            raise InputError(
                f"{image_file} holds {images.shape} and {label_file.name} {labels.shape}, but {card.name} {split} has "
                f"{count} images of 28x28; get the official files again."
            )
        if labels.max() >= len(card.classes):
            raise InputError(
                f"{label_file} holds class {labels.max()}, {card.name} has 10; get the official file again."
            )
        return images, labels

    def get(self, root: Path | None, report: Report | None = None) -> Path:
        """The files as torchvision knows them: its mirrors and checksums."""
        import torchvision.datasets

        if (here := self._folder(root)) is not None:
            return here
        known = getattr(torchvision.datasets, self.torchvision)
        folder = (root or cache_folder("data")) / self.torchvision / "raw"
        for file, md5 in known.resources:
            fetch(Download(file, tuple(f"{mirror}{file}" for mirror in known.mirrors), f"md5:{md5}"), folder, report)
        return folder

    def _files(self, split: str, root: Path | None) -> tuple[Path, Path]:
        """Images and labels of a split."""
        folder = self._folder(root)
        if folder is None and root is not None:
            wanted = ", ".join(name + "[.gz]" for names in FILES.values() for name in names)
            raise InputError(f"--data-root {root} does not hold {self.name}; it needs {wanted}. {self.card.obtain}")
        if folder is None:
            raise InputError(f"{self.name} is not on this machine. {self.card.obtain}")
        images, labels = (_find(folder, name) for name in FILES[split])
        assert images and labels  # all four are there
        return images, labels

    def _folder(self, root: Path | None) -> Path | None:
        """Where all four files lie: in the given root, else in $SYMMBENCH_DATA, `places` or the cache."""
        from_env = Path(os.environ["SYMMBENCH_DATA"]) if os.environ.get("SYMMBENCH_DATA") else None
        roots = [root] if root else [*([from_env] if from_env else []), cache_folder("data")]
        tried = [folder for r in roots for folder in (r, r / self.name, r / self.torchvision / "raw")]
        for folder in tried if root else [*tried, *self.places]:
            if all(_find(folder, name) for names in FILES.values() for name in names):
                return folder
        return None


MNIST = Idx(
    Card(
        name="mnist",
        title="MNIST handwritten digits, 28x28",
        tasks=("cls", "sis"),
        classes=tuple("0123456789"),
        shape=(1, 32, 32),
        splits={"train": 60_000, "test": 10_000},
        licence="CC BY-SA 3.0",
        redistributable=True,
        source="LeCun, Cortes and Burges; SymmFlow resizes it to 32x32 (its appendix)",
        obtain="`bench data get mnist`, or the four idx(.gz) files under --data-root or $SYMMBENCH_DATA.",
        judges=("inception", "mobilenet-v2", "digits-cnn", "lpips-alex", "unet", "cnn"),
        counts={
            "train": (5_923, 6_742, 5_958, 6_131, 5_842, 5_421, 5_918, 6_265, 5_851, 5_949),
            "test": (980, 1_135, 1_032, 1_010, 982, 892, 958, 1_028, 974, 1_009),
        },
        notes="28x28 in the files; resized to 32x32 (Pillow, bilinear), as in the SymmFlow paper.",
    ),
    torchvision="MNIST",
)
FASHION_MNIST = Idx(
    Card(
        name="fashion-mnist",
        title="Fashion-MNIST articles of clothing, 28x28",
        tasks=("cls", "sis"),
        classes=(
            "T-shirt/top",
            "trouser",
            "pullover",
            "dress",
            "coat",
            "sandal",
            "shirt",
            "sneaker",
            "bag",
            "ankle boot",
        ),
        shape=(1, 32, 32),
        splits={"train": 60_000, "test": 10_000},
        licence="MIT",
        redistributable=True,
        source="Xiao, Rasul and Vollgraf, 2017",
        obtain="`bench data get fashion-mnist`, Debian's package dataset-fashion-mnist, or the four idx(.gz) files "
        "under --data-root or $SYMMBENCH_DATA.",
        counts={"train": (6_000,) * 10, "test": (1_000,) * 10},
        notes="28x28 in the files; resized to 32x32 (Pillow, bilinear), as MNIST.",
    ),
    torchvision="FashionMNIST",
    places=(DEBIAN,),
)


def read_idx(path: Path, most: int = LARGEST) -> Array:
    """An array of unsigned bytes from an idx file, gzipped or not, of at most `most` entries."""
    try:
        content = gunzip(path, lambda head: _size(head, most), HEAD)
        shape = _shape(content)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise InputError(f"{path} is not a complete idx file ({error}); get it again.") from None


def _shape(head: bytes) -> tuple[int, ...]:
    """As the beginning of an idx file tells it."""
    if head[:3] != b"\x00\x00\x08" or not 1 <= (rank := head[3]) <= 4:
        raise ValueError("it does not begin like one")
    return tuple(int(v) for v in np.frombuffer(head, ">u4", rank, offset=4))


def _size(head: bytes, most: int) -> int:
    """Bytes of an idx file that begins so."""
    shape = _shape(head)
    if (entries := math.prod(shape)) > most:
        raise ValueError(f"it says that it holds {'x'.join(map(str, shape))} bytes, and at most {most:,} are expected")
    return 4 + 4 * len(shape) + entries


def _find(folder: Path, name: str) -> Path | None:
    """`name`, with or without .gz, and with the dot that some copies have before `idx`."""
    for candidate in (name, name.replace("-idx", ".idx")):
        for path in (folder / candidate, folder / f"{candidate}.gz"):
            if path.is_file():
                return path
    return None


def _resize(images: Array, size: tuple[int, ...]) -> Array:
    """uint8 [N, 28, 28] -> uint8 [N, H, W]."""
    from PIL import Image

    height, width = size
    out = np.empty((len(images), height, width), dtype=np.uint8)
    for row, image in enumerate(images):
        out[row] = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
    return out


def _content(images: Array, labels: Array) -> str:
    """Hash of what the files hold and of what is made of it."""
    digest = hashlib.sha256(VERSION.encode())
    digest.update(images.tobytes())
    digest.update(labels.tobytes())
    return digest.hexdigest()
