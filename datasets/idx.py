"""MNIST and Fashion-MNIST from their official idx files, 28x28."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import numpy as np

from ..symmflow.errors import InputError
from .card import Array, Card, Split

CARDS = {
    "mnist": Card(
        name="mnist",
        title="MNIST handwritten digits, 28x28",
        tasks=("cls", "sis"),
        classes=tuple("0123456789"),
        shape=(1, 32, 32),
        splits={"train": 60_000, "test": 10_000},
        licence="CC BY-SA 3.0",
        source="LeCun, Cortes and Burges; SymmFlow resizes it to 32x32 (its appendix)",
        obtain="The four idx(.gz) files under --data-root or $SYMMBENCH_DATA, else torchvision downloads them.",
        digits=True,
        notes="28x28 in the files; resized to 32x32 (Pillow, bilinear), as in the SymmFlow paper.",
    ),
    "fashion-mnist": Card(
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
        source="Xiao, Rasul and Vollgraf, 2017",
        obtain="Debian's package dataset-fashion-mnist, or the four idx(.gz) files under --data-root or "
        "$SYMMBENCH_DATA, else torchvision downloads them.",
        notes="28x28 in the files; resized to 32x32 (Pillow, bilinear), as MNIST.",
    ),
}

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def read(card: Card, split: str, root: Path | None) -> Split:
    folder = _folder(card, root)
    image_file, label_file = (_find(folder, name) for name in FILES[split])
    assert image_file and label_file  # `_folder` looked
    images, labels = read_idx(image_file), read_idx(label_file)
    count = card.splits[split]
    if images.shape != (count, 28, 28) or labels.shape != (count,):
        raise InputError(
            f"{image_file} holds {images.shape} and {label_file.name} {labels.shape}, but {card.name} {split} has "
            f"{count} images of 28x28; get the official files again."
        )
    if labels.max() >= len(card.classes):
        raise InputError(f"{label_file} holds class {labels.max()}, {card.name} has 10; get the official file again.")
    ids = tuple(f"{split}-{i:05d}" for i in range(count))
    return Split(card, split, ids, _resize(images, card.size)[:, None], labels.astype(np.int64))


def read_idx(path: Path) -> Array:
    """An array of unsigned bytes from an idx file, gzipped or not."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        rank = data[3]
        if data[:3] != b"\x00\x00\x08" or not 1 <= rank <= 4:
            raise ValueError("it does not begin like one")
        shape = tuple(int(v) for v in np.frombuffer(data, ">u4", rank, offset=4))
        return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise InputError(f"{path} is not a complete idx file ({error}); get it again.") from None


def _folder(card: Card, root: Path | None) -> Path:
    """The folder with all four files: the given root, $SYMMBENCH_DATA, Debian's, the download cache."""
    torchvision_name = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}[card.name]
    from_env = Path(os.environ["SYMMBENCH_DATA"]) if os.environ.get("SYMMBENCH_DATA") else None
    roots = [r for r in (root, from_env) if r]
    tried = [folder for r in roots for folder in (r, r / card.name, r / torchvision_name / "raw")]
    if card.name == "fashion-mnist":
        tried.append(DEBIAN)
    if root is None:
        tried.append(download_root() / torchvision_name / "raw")
    for folder in tried:
        if all(_find(folder, name) for names in FILES.values() for name in names):
            return folder
    if root is not None:
        wanted = ", ".join(name + "[.gz]" for names in FILES.values() for name in names)
        raise InputError(f"--data-root {root} does not hold {card.name}; it needs {wanted}. {card.obtain}")
    return _download(card, torchvision_name)


def download_root() -> Path:
    """Where downloads are kept: $XDG_CACHE_HOME/symmbench/data."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "symmbench" / "data"


def _download(card: Card, torchvision_name: str) -> Path:
    import torchvision.datasets

    root = download_root()
    try:
        getattr(torchvision.datasets, torchvision_name)(str(root), download=True)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{card.name} is not on this machine and cannot be downloaded ({error}). {card.obtain}"
        ) from None
    return root / torchvision_name / "raw"


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
