"""Cityscapes: street scenes of 50 cities, 19 classes, from the files of its two zips."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..symmflow.pixels import IGNORE
from .card import Card
from .decode import decode_ids
from .filed import FileDataSet
from .layout import IMAGE, MASK, Array, Layout, Sample
from .listed import listed, stems
from .piece import Read
from .remap import remapped, table

LABELS: tuple[tuple[str, int, tuple[int, int, int]], ...] = (
    ("road", 7, (128, 64, 128)),
    ("sidewalk", 8, (244, 35, 232)),
    ("building", 11, (70, 70, 70)),
    ("wall", 12, (102, 102, 156)),
    ("fence", 13, (190, 153, 153)),
    ("pole", 17, (153, 153, 153)),
    ("traffic light", 19, (250, 170, 30)),
    ("traffic sign", 20, (220, 220, 0)),
    ("vegetation", 21, (107, 142, 35)),
    ("terrain", 22, (152, 251, 152)),
    ("sky", 23, (70, 130, 180)),
    ("person", 24, (220, 20, 60)),
    ("rider", 25, (255, 0, 0)),
    ("car", 26, (0, 0, 142)),
    ("truck", 27, (0, 0, 70)),
    ("bus", 28, (0, 60, 100)),
    ("train", 31, (0, 80, 100)),
    ("motorcycle", 32, (0, 0, 230)),
    ("bicycle", 33, (119, 11, 32)),
)
"""Name, label id and colour in the order of the train ids; labels.py of cityscapesScripts."""
IDS = table(dict.fromkeys(range(34), IGNORE) | {label: k for k, (_, label, _) in enumerate(LABELS)})
"""Label ids 0 to 33 -> class ids; what is not evaluated (parking, bridge, caravan, ...) is void."""
TRAINED = table({k: k for k in range(len(LABELS))} | {IGNORE: IGNORE})
TRAIN_IDS = "train ids"
"""Role of a mask that cityscapesScripts has already mapped."""
PARTS = {"train": "train", "validation": "val"}


class Official(Layout):
    """Images and masks by split and city; masks of label ids, or of train ids where they lie beside."""

    name = "the zips leftImg8bit and gtFine, unpacked"
    needs = "leftImg8bit/ and gtFine/, each with train/ and val/"
    image_size = (1024, 2048)

    def fits(self, root: Path) -> bool:
        return (root / "leftImg8bit").is_dir() and (root / "gtFine").is_dir()

    def samples(self, root: Path, split: str) -> list[Sample]:
        images, masks = root / "leftImg8bit" / PARTS[split], root / "gtFine" / PARTS[split]
        cities = {path.name for folder in (images, masks) if folder.is_dir() for path in folder.iterdir()}
        wanted = []
        for city in sorted(cities):
            trained = set(stems(masks / city, f"_{_TRAINED}"))
            for stem in sorted({*stems(images / city, f"_{_IMAGE}"), *stems(masks / city, f"_{_LABELS}"), *trained}):
                mask = {TRAIN_IDS: _TRAINED} if stem in trained else {MASK: _LABELS}
                files = {role: masks / city / f"{stem}_{name}" for role, name in mask.items()}
                wanted.append((stem, {IMAGE: images / city / f"{stem}_{_IMAGE}", **files}, None))
        return listed(str(root), wanted)

    def beside(self, path: Path) -> bool:
        return path.name.endswith(("_color.png", "_instanceIds.png", "_polygons.json", _LABELS))

    def mask(self, pieces: Mapping[str, Read]) -> Array:
        if TRAIN_IDS in pieces:
            read = pieces[TRAIN_IDS]
            return remapped(decode_ids(read), TRAINED, read.name, "masks of train ids (0 to 18, 255)")
        read = pieces[MASK]
        return remapped(decode_ids(read), IDS, read.name, "masks of label ids (0 to 33)")


_IMAGE, _LABELS, _TRAINED = "leftImg8bit.png", "gtFine_labelIds.png", "gtFine_labelTrainIds.png"
CITYSCAPES = FileDataSet(
    Card(
        name="cityscapes",
        title="Cityscapes street scenes, 1024x2048, 19 classes",
        tasks=("ss", "sis"),
        classes=tuple(name for name, _, _ in LABELS),
        shape=(3, 512, 1024),
        splits={"train": 2_975, "validation": 500},
        withheld={"test": "its server keeps the labels: the files show only what the car and the camera hide"},
        licence="its own terms: registration, non-commercial research, no redistribution",
        source="Cordts et al., The Cityscapes Dataset, CVPR 2016",
        obtain="Register at cityscapes-dataset.com, fetch leftImg8bit_trainvaltest.zip (11 GB) and "
        "gtFine_trainvaltest.zip (241 MB), unpack both into one folder and give it as --data-root.",
        palette=tuple(colour for _, _, colour in LABELS),
        notes="Seen at half the original 1024x2048 by default. Masks of label ids are mapped to the 19 train ids, the "
        "rest is void; those that cityscapesScripts has mapped are taken where they lie beside.",
    ),
    layouts=(Official(),),
    version="cityscapes@1",
)
