"""Prepared splits: decoded and resized once, kept as uncompressed Arrow files from which any sample is read by its id.

A file holds up to `SHARD` samples, a record batch each, so that one is read without the others and without a copy. Its
folder is named by the content of the split and by the decoder, so other pixels cannot be taken for these.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..symmflow.files import atomic
from .cache import cache_folder
from .split import Manifest

if TYPE_CHECKING:
    import pyarrow as pa

    from .lazy import FileSplit

Array = np.ndarray
SHARD = 256
"""Samples a file."""
CHUNK = 8
"""Samples that a worker process decodes at a time."""
FORMAT = "prepared@1"


def folder(manifest: Manifest) -> Path:
    """Where the prepared samples of a split lie, if there are any."""
    from importlib.metadata import version

    said = f"{FORMAT} {manifest.content_sha256} {manifest.ids_sha256} pillow {version('pillow')}"
    name = re.sub(r"[^\w.@=-]+", "-", manifest.dataset)
    return cache_folder("prepared") / name / f"{manifest.split}-{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def shards(manifest: Manifest) -> frozenset[int]:
    """The numbers of the files that are there, each whole."""
    place = folder(manifest)
    there = {path.name for path in place.glob("*.arrow")} if place.is_dir() else set()
    return frozenset(number for number in range(count(len(manifest))) if _name(number) in there)


def count(samples: int) -> int:
    return -(-samples // SHARD)


def prepare(split: FileSplit, workers: int = 0, report: Callable[[int, int], None] | None = None) -> Path:
    """Decode and resize every sample that is not there yet; the folder.

    Several processes may do so at once: they begin at different files, and each file appears whole. `report` is told of
    samples done, and in all.
    """
    place, files = folder(split.manifest), count(len(split))
    first = os.getpid() % files
    for number in ((first + turn) % files for turn in range(files)):
        if not (place / _name(number)).exists():
            _write(split, number, place / _name(number), workers)
        if report:
            report(min(len(shards(split.manifest)) * SHARD, len(split)), len(split))
    return place


def read(place: Path, position: int) -> tuple[Array, Array]:
    """Image uint8 [3, H, W] and class id [] or class ids uint8 [H, W] of a sample."""
    number, row = divmod(position, SHARD)
    batch = _opened(place / _name(number), os.getpid()).get_batch(row)
    image, label = (_array(batch, name) for name in ("image", "label"))
    return image, label


def _array(batch: pa.RecordBatch, name: str) -> Array:
    shape = batch.column(f"{name}_shape")[0].as_py()
    return np.frombuffer(batch.column(name)[0].as_buffer(), dtype=np.int64 if not shape else np.uint8).reshape(shape)


@lru_cache(maxsize=256)
def _opened(path: Path, process: int) -> Any:
    """A mapped file; its pages belong to the system, not to this process."""
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(path)))


def _write(split: FileSplit, number: int, path: Path, workers: int) -> None:
    import pyarrow as pa

    bytes_, shape = pa.large_binary(), pa.list_(pa.int32())
    schema = pa.schema(
        {"id": pa.string(), "image": bytes_, "image_shape": shape, "label": bytes_, "label_shape": shape}
    )
    positions = np.arange(number * SHARD, min((number + 1) * SHARD, len(split)))
    chunks = [positions[start : start + CHUNK] for start in range(0, len(positions), CHUNK)]
    with atomic(path) as aside, pa.OSFile(str(aside), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for sample_id, image, label in _pixels(split, chunks, workers):
            row = {"id": sample_id, "image": image.tobytes(), "image_shape": image.shape}
            row |= {"label": label.tobytes(), "label_shape": label.shape}
            writer.write_batch(pa.RecordBatch.from_pylist([row], schema=schema))


def _pixels(split: FileSplit, chunks: list[Array], workers: int) -> Iterator[tuple[str, Array, Array]]:
    for positions, images, labels, _ in split.decode(chunks, workers):
        for position, image, label in zip(positions, images, labels, strict=True):
            yield split.ids[position], image, label


def _name(number: int) -> str:
    return f"{number:05d}.arrow"
