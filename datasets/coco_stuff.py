"""COCO-Stuff 164k: 171 classes of things and stuff, in the four layouts in which people have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..symmflow.pixels import IGNORE
from .card import Card
from .decode import decode_ids
from .filed import FileDataSet
from .layout import IMAGE, MASK, Array, Layout, Sample
from .listed import lines, listed, stems
from .piece import Read
from .remap import remapped, table

# fmt: off
LABELS = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "street sign", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep",
    "cow", "elephant", "bear", "zebra", "giraffe", "hat", "backpack", "umbrella", "shoe", "eye glasses", "handbag",
    "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove",
    "skateboard", "surfboard", "tennis racket", "bottle", "plate", "wine glass", "cup", "fork", "knife", "spoon",
    "bowl", "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake",
    "chair", "couch", "potted plant", "bed", "mirror", "dining table", "window", "desk", "toilet", "door", "tv",
    "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator",
    "blender", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush", "hair brush",
    "banner", "blanket", "branch", "bridge", "building-other", "bush", "cabinet", "cage", "cardboard", "carpet",
    "ceiling-other", "ceiling-tile", "cloth", "clothes", "clouds", "counter", "cupboard", "curtain", "desk-stuff",
    "dirt", "door-stuff", "fence", "floor-marble", "floor-other", "floor-stone", "floor-tile", "floor-wood",
    "flower", "fog", "food-other", "fruit", "furniture-other", "grass", "gravel", "ground-other", "hill", "house",
    "leaves", "light", "mat", "metal", "mirror-stuff", "moss", "mountain", "mud", "napkin", "net", "paper",
    "pavement", "pillow", "plant-other", "plastic", "platform", "playingfield", "railing", "railroad", "river",
    "road", "rock", "roof", "rug", "salad", "sand", "sea", "shelf", "sky-other", "skyscraper", "snow",
    "solid-other", "stairs", "stone", "straw", "structural-other", "table", "tent", "textile-other", "towel",
    "tree", "vegetable", "wall-brick", "wall-concrete", "wall-other", "wall-panel", "wall-stone", "wall-tile",
    "wall-wood", "water-other", "waterdrops", "window-blind", "window-other", "wood",
)
# fmt: on
"""labels.txt of the official repository by value in the masks, its id less 1: things, from 91 on stuff."""
UNUSED = (11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90)
"""Values of classes that were never annotated (street sign, hat, shoe, ...): no mask holds them."""
CLASSES = tuple(name for value, name in enumerate(LABELS) if value not in UNUSED)
PARTS = {"train": "train2017", "validation": "val2017"}
ANNOTATED = [value for value in range(len(LABELS)) if value not in UNUSED]
RAW = table({value: index for index, value in enumerate(ANNOTATED)} | {IGNORE: IGNORE})
"""Values of the stuffthingmaps -> class ids 0 to 170, in order."""
TRAINED = table({index: index for index in range(len(CLASSES))} | {IGNORE: IGNORE})
"""Values of mmsegmentation's masks."""
PALETTE = tuple((50 * (c // 36), 50 * (c // 6 % 6), 50 * (c % 6)) for c in range(len(CLASSES)))
"""SemFlow's anchors (k = 6, s = 50). mmsegmentation's colours are no palette: 17 classes share 8 of them."""
TRAIN_IDS, SUFFIX = "train ids", "_labelTrainIds.png"
"""Role and name of a mask of mmsegmentation's converter."""


@dataclass(frozen=True)
class CocoStuffLayout(Layout):
    """Images and masks of equal stems in a folder a split; where there is a list of ids, it says which."""

    name: str
    needs: str
    images: str
    """Folder of images; {} stands for train2017 or val2017."""
    masks: str
    """Folder of masks as the stuffthingmaps have them; for an image without, mmsegmentation's."""

    def fits(self, root: Path) -> bool:
        return any(
            (root / self.images.format(part)).is_dir() and (root / self.masks.format(part)).is_dir()
            for part in PARTS.values()
        )

    def consulted(self, root: Path, split: str) -> Sequence[Path]:
        wanted = root / "metas" / f"{PARTS[split].removesuffix('2017')}.txt"
        return (wanted,) if wanted.is_file() else ()

    def samples(self, root: Path, split: str) -> list[Sample]:
        images, masks = (root / folder.format(PARTS[split]) for folder in (self.images, self.masks))
        trained = set(stems(masks, SUFFIX))
        raw = {stem for stem in stems(masks, ".png") if f"{stem}.png".removesuffix(SUFFIX) not in trained}
        if lists := self.consulted(root, split):
            wanted = lines(lists[0])
        else:
            wanted = sorted({*stems(images, ".jpg"), *raw, *trained})
        return listed(
            f"{images} with {masks}",
            (
                (stem, {IMAGE: images / f"{stem}.jpg"} | _mask(masks, stem, stem in trained and stem not in raw), None)
                for stem in wanted
            ),
        )

    def beside(self, path: Path) -> bool:
        return path.name.endswith(SUFFIX)

    def mask(self, pieces: Mapping[str, Read]) -> Array:
        if TRAIN_IDS in pieces:
            read = pieces[TRAIN_IDS]
            return remapped(decode_ids(read), TRAINED, read.name, "masks of train ids (0 to 170, 255)")
        read = pieces[MASK]
        return remapped(decode_ids(read), RAW, read.name, "the stuffthingmaps (0 to 181 without 11 of them, 255)")


def _mask(folder: Path, stem: str, trained: bool) -> dict[str, Path]:
    return {TRAIN_IDS: folder / f"{stem}{SUFFIX}"} if trained else {MASK: folder / f"{stem}.png"}


LAYOUTS = (
    CocoStuffLayout(
        "its README's, or mmsegmentation's",
        "images/val2017/ and annotations/val2017/, and the same of train2017",
        "images/{}",
        "annotations/{}",
    ),
    CocoStuffLayout(
        "the SymmFlow code's",
        "val2017/ and stuffthingmaps_trainval2017/val2017/, and the same of train2017",
        "{}",
        "stuffthingmaps_trainval2017/{}",
    ),
    CocoStuffLayout(
        "the SemFlow code's",
        "val2017/, annotations/val2017/ and metas/val.txt, and the same of train",
        "{}",
        "annotations/{}",
    ),
)
COCO_STUFF = FileDataSet(
    Card(
        name="coco-stuff",
        title="COCO-Stuff 164k, 171 classes of things and stuff",
        tasks=("ss", "sis"),
        classes=CLASSES,
        shape=(3, 512, 512),
        splits={"train": 118_287, "validation": 5_000},
        licence="annotations CC BY 4.0; images under Flickr's terms of use",
        source="Caesar, Uijlings and Ferrari, COCO-Stuff, CVPR 2018, on the images of COCO 2017",
        obtain="Fetch train2017.zip (18 GB) and val2017.zip (1 GB) of cocodataset.org and "
        "stuffthingmaps_trainval2017.zip (659 MB) of github.com/nightrome/cocostuff; unpack images into "
        "images/train2017 and images/val2017, masks into annotations/train2017 and annotations/val2017, and give the "
        "folder of both as --data-root.",
        palette=PALETTE,
        notes="Images vary in size. Values of the masks are ids less 1; 11 that were never annotated are left out, the "
        "rest are 0 to 170 in order; 255 is void. The palette is SemFlow's anchors: mmsegmentation's has classes of "
        "one colour.",
    ),
    layouts=LAYOUTS,
    version="coco-stuff@1",
    unpacked=("cocostuff", "coco_stuff164k"),
)
