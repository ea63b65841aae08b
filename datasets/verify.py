"""Is a data set on this machine what its makers gave? Every file is read, and what is not as it should be is named."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from ..symmflow.errors import InputError
from ..symmflow.pixels import IGNORE
from .card import Card
from .catalog import Catalog, catalog
from .dataset import DataSet
from .examine import Examined, Problem, examine
from .filed import FileDataSet
from .layout import IMAGE, Array, Layout, Sample
from .listed import Incomplete
from .piece import OWN
from .registry import asked, dataset, family_layout, located

Report = Callable[[str, int, int], None]
"""Told of a split, its samples that are done, and all."""
BLOCK = 256
ALL = "all"


@dataclass(frozen=True)
class VerifiedSplit:
    """A split as it is here."""

    dataset: str
    split: str
    n: int
    """Samples that could be read."""
    official: int
    ids_sha256: str
    content_sha256: str
    """Of the manifest; empty where there is none, because of a problem."""
    counts: tuple[int, ...]
    """Images of every class; of masks, pixels of every class at the masks' own size, void last."""
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Verified:
    """Some splits of a data set, what is wrong with them together, and what is said of them without being wrong."""

    splits: tuple[VerifiedSplit, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    where: str = ""
    """Layout and folder."""

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems and not any(split.problems for split in self.splits)


def verified(name: str, root: Path | None, splits: Sequence[str] = (), report: Report | None = None) -> Verified:
    """Read every sample of some splits, by default of all. Raises `InputError` where there is nothing to read."""
    name, root = located(name, root)
    try:
        card = dataset(name, root).card
    except InputError as error:  # which names the first bad file of all
        return _unopened(name, root, splits, report, error)
    wanted, images = tuple(splits) or tuple(card.splits), _Images()
    (data, root), *_ = [asked(name, split, root) for split in wanted]
    if not isinstance(data, FileDataSet):
        return Verified(tuple(_in_memory(data, split, root, images) for split in wanted), (), images.notes())
    layout, folder = data.find(root)
    made = [_in_files(data, split, root, images, report) for split in wanted]
    problems = [*_all_together(data, made), *images.mislabelled(data.card.classes), *_extra(data, layout, folder)]
    problems += _versions(data, layout, folder, [one.split for one in made if not one.problems])
    return Verified(tuple(made), tuple(problems), images.notes(), f"{layout.name}, in {folder}")


def _in_files(
    data: FileDataSet, split: str, root: Path | None, images: _Images, report: Report | None
) -> VerifiedSplit:
    card, (layout, folder) = data.card, data.find(root)
    samples, problems = _listed(layout, folder, split)
    counts = np.zeros(len(card.classes) + card.has_masks, dtype=np.int64)
    sums, n = dict[str, Mapping[str, str]](), 0
    size = layout.image_size or (data.view.size if data.native else None)
    for sample, seen in _examined(samples, layout, len(card.classes), size):
        problems += seen.problems
        sums[sample.id] = seen.sums
        n += seen.read
        if seen.counts is not None:
            counts += seen.counts
        elif sample.label is not None and seen.read:
            counts[sample.label] += 1
        if IMAGE in seen.sums:
            images.add(seen.sums[IMAGE], split, sample.pieces[IMAGE].name, sample.label)
        if report:
            report(split, len(sums), len(samples))
    problems = _folded(problems, len(samples))
    ids = hashlib.sha256("\n".join(sums).encode()).hexdigest()
    if n == card.splits[split] and layout.official_ids and data.ids_sha256.get(split, ids) != ids:
        problems.append(Problem("ids", f"{data.base} {split} holds other samples than the official {n:,}"))
    if not any(problem.kind in ("missing", "damaged", "mislabelled") for problem in problems):
        problems += _official(card, split, n, counts)
    content = ""
    if n and all(problem.kind in ("count", "ids", "classes") for problem in problems):
        content = data.manifest(split, root).content_sha256
        problems += _changed(data.files(split, root), sums)
    return VerifiedSplit(card.name, split, n, card.splits[split], ids, content, tuple(counts.tolist()), tuple(problems))


def _in_memory(data: DataSet, split: str, root: Path | None, images: _Images) -> VerifiedSplit:
    card, loaded = data.card, data.load(split, root)
    loaded.verify()
    counts = np.zeros(len(card.classes) + card.has_masks, dtype=np.int64)
    for start in range(0, len(loaded), BLOCK):
        batch = loaded.batch(range(start, min(start + BLOCK, len(loaded))))
        ids = np.bincount(batch.labels.ravel(), minlength=IGNORE + 1)
        counts += np.append(ids[: len(card.classes)], ids[IGNORE])[: len(counts)]
        for name, image, label in zip(batch.ids, batch.images, batch.labels, strict=True):
            digest = hashlib.sha256(image.tobytes()).hexdigest()
            images.add(digest, split, name, int(label) if label.ndim == 0 else None)
    known = loaded.manifest
    problems = tuple(_official(card, split, len(known), counts))
    return VerifiedSplit(
        card.name,
        split,
        len(known),
        card.splits[split],
        known.ids_sha256,
        known.content_sha256,
        tuple(counts.tolist()),
        problems,
    )


def _unopened(
    name: str, root: Path | None, splits: Sequence[str], report: Report | None, error: InputError
) -> Verified:
    """All that is wrong with files that are no data set yet; raises `error` again where that is nothing of theirs."""
    found = family_layout(name, root)
    if found is None:
        raise error
    (layout, folder, there), made = found, list[VerifiedSplit]()
    for split in splits or there:
        samples, problems = _listed(layout, folder, split)
        n = 0
        for done, (_, seen) in enumerate(_examined(samples, layout, IGNORE, None), start=1):
            problems += seen.problems
            n += seen.read
            if report:
                report(split, done, len(samples))
        made.append(VerifiedSplit(name, split, n, n, "", "", (), tuple(problems)))
    if not any(split.problems for split in made):
        raise error
    return Verified(tuple(made), (), (), f"{layout.name}, in {folder}")


def _listed(layout: Layout, folder: Path, split: str) -> tuple[Sequence[Sample], list[Problem]]:
    """The samples of a split as far as they can be told."""
    try:
        return layout.samples(folder, split), []
    except Incomplete as error:
        found = [Problem("missing", f"{path} is missing", (str(path),)) for path in error.missing]
        return error.samples, found + [Problem("mislabelled", said, (said.split(" ")[0],)) for said in error.wrong]
    except InputError as error:
        return (), [Problem("damaged", str(error))]


def _examined(
    samples: Sequence[Sample], layout: Layout, classes: int, size: tuple[int, int] | None
) -> Iterator[tuple[Sample, Examined]]:
    todo = iter(samples)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        while block := list(islice(todo, BLOCK)):
            yield from zip(block, pool.map(lambda one: examine(one, layout, classes, size), block), strict=True)


def _folded(problems: list[Problem], n: int) -> list[Problem]:
    """One problem instead of many, where every sample has another size than the original: they are a resized copy."""
    sizes = [problem for problem in problems if problem.kind == "size"]
    endings = {problem.said.rpartition(" is ")[2] for problem in sizes}
    if n < 4 or len(sizes) != n or len(endings) != 1:
        return problems
    folded = Problem("size", f"each of {n:,} is {endings.pop()}", tuple(file for one in sizes for file in one.files))
    return [problem for problem in problems if problem.kind != "size"] + [folded]


def _official(card: Card, split: str, n: int, counts: Array) -> Iterator[Problem]:
    """Where the number of samples, or of each class, is another than is known."""
    if n != card.splits[split]:
        yield Problem("count", f"{card.name} {split} has {n:,} samples, the official one {card.splits[split]:,}")
    elif split in card.counts:
        yield from _classes(card, split, counts)


def _classes(card: Card, split: str, counts: Array) -> Iterator[Problem]:
    of = "pixels" if card.has_masks else "images"
    for name, here, known in zip((*card.classes, "void"), counts.tolist(), card.counts[split], strict=False):
        if here != known:
            yield Problem("classes", f"{card.name} {split} has {here:,} {of} of class {name}, the official {known:,}")


def _all_together(data: FileDataSet, made: Sequence[VerifiedSplit]) -> Iterator[Problem]:
    """Where classes are known of all splits together."""
    card = data.card
    resized = any(problem.kind == "size" for one in made for problem in one.problems)
    complete = len(made) == len(card.splits) and all(one.n == one.official for one in made)
    if ALL in card.counts and complete and not resized:
        yield from _classes(card, ALL, np.sum([one.counts for one in made], axis=0))


def _versions(data: FileDataSet, layout: Layout, folder: Path, splits: Sequence[str]) -> Iterator[Problem]:
    """Where another version of the data set lies beside this one, and holds something else."""
    for other in data.layouts:
        if other is not layout and layout.alike and other.alike and other.fits(folder):
            for split in splits:
                here, there = (catalog(data.base, data.version, one, folder, split) for one in (layout, other))
                if here.content_sha256 != there.content_sha256:
                    yield Problem("changed", f"{layout.name} and {other.name} of {split} in {folder} hold other images")


def _changed(files: Catalog, sums: Mapping[str, Mapping[str, str]]) -> Iterator[Problem]:
    """Files that are not what they were when the manifest was made, though their size and time are the same."""
    for position, name in enumerate(files.ids):
        for role, piece in files.sample(position).pieces.items():
            of_bytes = (piece.kind == "file" and ":" not in piece.checksum) or piece.checksum.startswith(OWN)
            if of_bytes and sums[name][role] != piece.checksum.removeprefix(OWN):
                said = f"{piece.name} has changed since its manifest was made, and its size and time have not"
                yield Problem("changed", said, (piece.name,))


def _extra(data: FileDataSet, layout: Layout, folder: Path) -> Iterator[Problem]:
    """Files among the others that no split needs."""
    needed, lists = set[Path](), set[Path]()
    for split in data.card.splits:
        try:
            needed.update(piece.path for one in layout.samples(folder, split) for piece in one.pieces.values())
        except Incomplete as error:
            needed.update(piece.path for one in error.samples for piece in one.pieces.values())
            needed.update(error.rest)
        except InputError:
            return  # said of the split
        lists.update(layout.consulted(folder, split))
    for place in sorted({path.parent for path in needed if path.parent.is_dir()}):
        for path in sorted(place.iterdir()):
            known = path in needed or path in lists or layout.beside(path) or path.name.startswith(".")
            if not known and path.is_file():
                yield Problem("extra", f"{path} belongs to no split", (str(path),))


class _Images:
    """Who has which image: one in two splits, or under two classes."""

    def __init__(self) -> None:
        self.first: dict[str, tuple[str, str, int | None]] = {}
        self.again: list[tuple[tuple[str, str, int | None], tuple[str, str, int | None]]] = []

    def add(self, digest: str, split: str, name: str, label: int | None) -> None:
        """`digest`: of its bytes; `name`: of its file."""
        one = (split, name, label)
        if (other := self.first.setdefault(digest, one)) is not one:
            self.again.append((other, one))

    def notes(self) -> tuple[str, ...]:
        pairs = ((one, other) for one, other in self.again if one[0] != other[0])
        return tuple(f"{b[1]} ({b[0]}) is the same image as {a[1]} ({a[0]})" for a, b in pairs)

    def mislabelled(self, classes: Sequence[str]) -> Iterator[Problem]:
        for (_, a, one), (_, b, other) in self.again:
            if one is not None and other is not None and one != other:
                said = f"{a} and {b} are the same image, of class {classes[one]} and of class {classes[other]}"
                yield Problem("mislabelled", said, (a, b))
