"""CelebAMask-HQ: faces of 19 classes, from the official zip, from folders of merged masks, from the hub's Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np

from ..symmflow.errors import InputError
from .card import Card
from .decode import decode_colours, decode_image
from .filed import FileDataSet
from .layout import IMAGE, MASK, Array, Layout, Sample
from .listed import Incomplete, lines, listed
from .piece import Piece, Read, cell, members, whole

CLASSES = (
    *("background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth"),
    *("u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth"),
)
"""In the order of g_mask.py of the official repository: where parts overlap, the later one counts. l_lip is the lower
lip, eye_g are eyeglasses, ear_r an earring, neck_l a necklace."""
PALETTE = (
    *((0, 0, 0), (204, 0, 0), (76, 153, 0), (204, 204, 0), (51, 51, 255), (204, 0, 204), (0, 255, 255)),
    *((255, 204, 204), (102, 51, 0), (255, 0, 0), (102, 204, 0), (255, 255, 0), (0, 0, 153), (0, 0, 204)),
    *((255, 51, 153), (0, 204, 204), (0, 51, 0), (255, 153, 51), (0, 204, 0)),
)
"""g_color.py of the official repository."""
OTHER_BROW = (51, 255, 255)
"""The colour of r_brow in utils.py there."""
MIRRORED = (("l_eye", "r_eye"), ("l_brow", "r_brow"), ("l_ear", "r_ear"))
IMAGES, PARTS, MAPPING = "CelebA-HQ-img", "CelebAMask-HQ-mask-anno", "CelebA-HQ-to-CelebA-mapping.txt"
LISTS = {"train": "train", "validation": "val", "test": "test"}


def split_of(index: int) -> str:
    """The split of an image by its index in CelebA, as g_partition.py of the official repository has it."""
    if index < 162_771:
        return "train"
    return "validation" if index < 182_638 else "test"


def numbers(mapping: str, name: str) -> dict[str, list[int]]:
    """The numbers of every split in ascending order; `mapping`: the text of the official file, `name` for messages."""
    found: dict[str, list[int]] = {split: [] for split in LISTS}
    for row, line in enumerate(mapping.splitlines(), start=1):
        values = line.split()
        if not values or values[0] == "idx":
            continue
        if len(values) != 3 or not (values[0].isdigit() and values[1].isdigit()):
            raise InputError(f"{name} line {row} is not a number, an index in CelebA and its file: {line!r}.")
        if values[2] != f"{int(values[1]) + 1:06d}.jpg":
            raise InputError(f"{name} line {row}: file {values[2]} is not that of index {values[1]}; get it again.")
        found[split_of(int(values[1]))].append(int(values[0]))
    return {split: sorted(of) for split, of in found.items()}


class Official(Layout):
    """A JPEG of 1024 an image, and a PNG of 512 for each part of a face that is there."""

    name = "the official zip, unpacked"
    needs = f"{IMAGES}/, {PARTS}/ and {MAPPING}"
    image_size, mask_size = (1024, 1024), (512, 512)

    def fits(self, root: Path) -> bool:
        return all((root / name).exists() for name in (IMAGES, PARTS, MAPPING))

    def consulted(self, root: Path, split: str) -> Sequence[Path]:
        return (root / MAPPING,)

    def mapping(self, root: Path) -> str:
        """The text of the mapping file."""
        return "\n".join(lines(root / MAPPING))

    def files(self, root: Path, folder: str) -> Mapping[str, Path | Piece]:
        """By name, those of a folder."""
        return {path.name: path for path in (root / folder).iterdir()} if (root / folder).is_dir() else {}

    def samples(self, root: Path, split: str) -> list[Sample]:
        wanted = numbers(self.mapping(root), str(root / MAPPING))[split]
        images, parts = self.files(root, IMAGES), dict[int, dict[str, Path | Piece]]()
        for folder in sorted({number // 2000 for number in wanted}):
            for name, file in self.files(root, f"{PARTS}/{folder}").items():
                number, _, part = name.removesuffix(".png").partition("_")
                if number.isdigit() and part in CLASSES:
                    parts.setdefault(int(number), {})[part] = file
        missing = [root / IMAGES / f"{number}.jpg" for number in wanted if f"{number}.jpg" not in images]
        missing += [root / PARTS / f"{n // 2000}" / f"{n:05d}_skin.png" for n in wanted if n not in parts]
        found = [
            Sample(str(n), {role: _piece(f) for role, f in {IMAGE: images[f"{n}.jpg"], **parts[n]}.items()})
            for n in wanted
            if f"{n}.jpg" in images and n in parts
        ]
        if missing:
            broken = {n for n in wanted if f"{n}.jpg" not in images or n not in parts}
            files = [f for n in broken for f in (images.get(f"{n}.jpg"), *parts.get(n, {}).values())]
            raise Incomplete(str(root), missing, samples=found, rest=[f for f in files if isinstance(f, Path)])
        return found

    def mask(self, pieces: Mapping[str, Read]) -> Array:
        return merged(pieces)


class Zipped(Official):
    """The same, in the zip."""

    name = "the official zip"
    needs = "CelebAMask-HQ.zip"

    def fits(self, root: Path) -> bool:
        return (root / self.needs).is_file()

    def consulted(self, root: Path, split: str) -> Sequence[Path]:
        return ()

    def mapping(self, root: Path) -> str:
        piece = self.files(root, ".").get(MAPPING)
        if not isinstance(piece, Piece):
            raise InputError(f"{root / self.needs} holds no {MAPPING}; get the official zip again.")
        return piece.read().data.decode(errors="replace")

    def files(self, root: Path, folder: str) -> Mapping[str, Path | Piece]:
        archive = root / self.needs
        return _folders(archive, archive.stat().st_mtime_ns).get(folder, {})


class Merged(Layout):
    """Images beside masks of class ids that somebody has merged from the parts; splits by the mapping, or by lists."""

    name = "merged masks"
    needs = f"{IMAGES}/ (or CelebA-512-img/), CelebAMask-HQ-mask/ (or -mergemask/, -label/), and {MAPPING} or metas/"
    mask_size = (512, 512)
    images = (IMAGES, "CelebA-512-img")
    masks = ("CelebAMask-HQ-mask", "CelebAMaskHQ-mask", "CelebAMask-HQ-mergemask", "CelebAMask-HQ-label")

    def fits(self, root: Path) -> bool:
        listed = (root / MAPPING).is_file() or (root / "metas").is_dir()
        return listed and bool(_first(root, self.images) and _first(root, self.masks))

    def consulted(self, root: Path, split: str) -> Sequence[Path]:
        mapping = root / MAPPING
        return (mapping if mapping.is_file() else root / "metas" / f"{LISTS[split]}.txt",)

    def samples(self, root: Path, split: str) -> list[Sample]:
        (names,), images, masks = self.consulted(root, split), _first(root, self.images), _first(root, self.masks)
        assert images and masks  # it fits
        if not names.is_file():
            raise InputError(f"{root} has neither {MAPPING} nor metas/{names.name}, which say what is in {split}.")
        if names.name == MAPPING:
            wanted = [str(number) for number in numbers("\n".join(lines(names)), str(names))[split]]
        else:
            wanted = lines(names)
        files = ((n, {IMAGE: images / f"{n}.jpg", MASK: masks / f"{n}.png"}, None) for n in wanted)
        return listed(f"{images} with {masks}", files)


class Hub(Layout):
    """Images of 512 and masks in the colours of the palette as cells of Parquet; they have no numbers."""

    official_ids = False
    image_size = (512, 512)
    name = "the hub's Parquet"
    needs = "data/train-*.parquet, data/validation-*.parquet or data/test-*.parquet of eurecom-ds/celeba_hq_mask"

    def fits(self, root: Path) -> bool:
        return any(_shards(root, split) for split in LISTS)

    def samples(self, root: Path, split: str) -> list[Sample]:
        import pyarrow.parquet as parquet

        shards, found = _shards(root, split), list[Sample]()
        count = int(shards[0].stem.rpartition("-of-")[2] or 0) if shards and "-of-" in shards[0].stem else 0
        expected = [root / "data" / f"{split}-{n:05d}-of-{count:05d}.parquet" for n in range(count)]
        for path in shards:
            try:
                rows = parquet.read_metadata(path).num_rows
                names = parquet.read_schema(path).names
            except (OSError, ValueError) as error:
                raise InputError(f"{path} is no whole Parquet file ({error}); get it again.") from None
            if absent := {"image", "mask"} - set(names):
                raise InputError(f"{path} has no column {', '.join(sorted(absent))}, only {', '.join(names)}.")
            for row in range(rows):
                pieces = {IMAGE: cell(path, "image.bytes", row), MASK: cell(path, "mask.bytes", row)}
                found.append(Sample(f"{split}-{len(found):05d}", pieces))
        if missing := [path for path in expected if path not in shards]:
            raise Incomplete(str(root), missing, samples=found)
        return found

    def mask(self, pieces: Mapping[str, Read]) -> Array:
        ids = decode_colours(pieces[MASK], (*PALETTE, OTHER_BROW))
        return np.where(ids == len(PALETTE), np.uint8(CLASSES.index("r_brow")), ids)


def merged(parts: Mapping[str, Read]) -> Array:
    """Class ids uint8 [H, W] of part masks by class; a pixel is of the part whose first channel is not 0 there."""
    ids: Array | None = None
    for name in CLASSES:
        if (read := parts.get(name)) is None:
            continue
        inside = decode_image(read)[:, :, 0] != 0
        ids = np.zeros(inside.shape, dtype=np.uint8) if ids is None else ids
        if ids.shape != inside.shape:
            raise InputError(f"{read.name} is {inside.shape}, but other parts of that face {ids.shape}; get it again.")
        ids[inside] = CLASSES.index(name)
    assert ids is not None  # every sample has a part
    return ids


def _piece(file: Path | Piece) -> Piece:
    return file if isinstance(file, Piece) else whole(file)


def _first(root: Path, names: Iterable[str]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _shards(root: Path, split: str) -> list[Path]:
    return sorted((root / "data").glob(f"{split}-*.parquet"))


@lru_cache(maxsize=1)
def _folders(archive: Path, time: int) -> dict[str, dict[str, Path | Piece]]:
    """The members of an archive by folder, its outermost left out, and name."""
    found: dict[str, dict[str, Path | Piece]] = {}
    for name, piece in members(archive).items():
        path = PurePosixPath(name)
        inside = PurePosixPath(*path.parts[1:]) if path.parts[0] == "CelebAMask-HQ" else path
        found.setdefault(str(inside.parent), {})[inside.name] = piece
    return found


CELEBAMASK_HQ = FileDataSet(
    Card(
        name="celebamask-hq",
        title="CelebAMask-HQ faces, 19 classes",
        tasks=("ss", "sis"),
        classes=CLASSES,
        shape=(3, 512, 512),
        splits={"train": 24_183, "validation": 2_993, "test": 2_824},
        licence="non-commercial research and education only, no redistribution",
        source="Lee, Liu, Wu and Luo, MaskGAN, CVPR 2020; splits of g_partition.py, those of CelebA",
        obtain="Fetch CelebAMask-HQ.zip (switchablenorms/CelebAMask-HQ on GitHub links to it), and give the folder "
        "with the zip, or what it unpacks to, as --data-root; or that of the Parquet files of the hub, as "
        "`bench data get hf:eurecom-ds/celeba_hq_mask` prints it.",
        palette=PALETTE,
        mirrored=MIRRORED,
        notes="Images of 1024 and masks of 512 in the zip, both 512 on the hub; no void. Merged masks must be "
        "numbered as g_mask.py does; other scripts have other orders. The SymmFlow authors evaluated on the "
        "2,993 validation images while writing 2,824, the size of test.",
    ),
    layouts=(Official(), Merged(), Zipped(), Hub()),
    version="celebamask-hq@1",
    unpacked=("CelebAMask-HQ", "celebAmask", "celeba_hq_mask"),
    ids_sha256={
        "train": "2f953ef93b9175bf745169a3a8f958786b176414287c9c330da03923966b2098",
        "validation": "0d889c463d328ca222a3a77c873062fdc20e5d9e42f24f5bbcae9ffe1f71d2c7",
        "test": "518ddd72a5620bae799e7637616e68c59d280010a8375771c38fb60c8c4f5891",
    },
)
