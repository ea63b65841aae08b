"""Anyone's images: `folder:PATH` holds images/ and masks/, or a folder of images for each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..symmflow.errors import InputError
from ..symmflow.pixels import IGNORE
from .catalog import Catalog, catalog
from .dataset import Family
from .described import FILE, Described, decode_mask, described, ids_of
from .filed import FileDataSet
from .layout import IMAGE, MASK, Array, Layout, Sample
from .listed import Incomplete
from .piece import Piece, Read, whole

IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
LOSSY = (".jpg", ".jpeg")
MASK_FOLDERS = ("masks", "annotations")
ALL = "test"
"""The split of what nobody has split."""
ALIASES = {"training": "train", "val": "validation", "testing": "test"}
NEEDS = "images/ and masks/ (or images/SPLIT and annotations/SPLIT), or a folder of images for each class"


@dataclass(frozen=True)
class Masks(Layout):
    """images/ and masks/, files of one stem; or images/SPLIT and annotations/SPLIT, as mmsegmentation has them."""

    said: Described | None = None
    name = "images and masks"
    needs = NEEDS
    scans = True

    def fits(self, root: Path) -> bool:
        return (root / "images").is_dir() and _masks(root) is not None

    def splits(self, root: Path) -> list[str]:
        if self.said and self.said.splits:
            return list(self.said.splits)
        return list(_parts(root / "images"))

    def consulted(self, root: Path, split: str) -> Sequence[Path]:
        return _consulted(root, self.said, split)

    def samples(self, root: Path, split: str) -> list[Sample]:
        masks_folder = _masks(root)
        assert masks_folder is not None
        parts = _parts(root / "images")
        chosen = list(parts) if self.said and self.said.splits else [split]
        images: dict[str, Path] = {}
        masks: dict[str, Path] = {}
        for one in chosen:
            _unite(images, _by_stem(parts[one]))
            _unite(masks, _by_stem(masks_folder / parts[one].relative_to(root / "images")))
        wanted = sorted(images)
        if self.said and self.said.splits:
            wanted = ids_of(root, self.said.splits[split])
        for stem in wanted:
            if stem not in images:
                raise InputError(f"{root / FILE} names the sample {stem}, which has no image; correct the split.")
        found = [Sample(s, {IMAGE: whole(images[s]), MASK: _mask(masks[s])}) for s in wanted if s in masks]
        if bare := [images[stem] for stem in wanted if stem not in masks]:
            said = f"{bare[0]} has no mask in {masks_folder}; add one of this stem, or remove it."
            missing = [masks_folder / f"{image.stem}.png" for image in bare]
            raise Incomplete(str(root), missing, samples=found, rest=bare, said=said)
        return found

    def mask(self, pieces: Mapping[str, Read]) -> Array:
        return decode_mask(pieces[MASK], self.said)


@dataclass(frozen=True)
class Classes(Layout):
    """A folder of images for each class, or SPLIT/CLASS/; samples in turn from each class, so the first are of all."""

    said: Described | None = None
    name = "class folders"
    needs = NEEDS

    def fits(self, root: Path) -> bool:
        return bool(_class_folders(root))

    def splits(self, root: Path) -> list[str]:
        if self.said and self.said.splits:
            return list(self.said.splits)
        return list(_class_folders(root))

    def classes(self, root: Path) -> tuple[str, ...]:
        found = sorted({folder.name for folders in _class_folders(root).values() for folder in folders})
        if self.said is None:
            return tuple(found)
        if strange := [name for name in found if name not in self.said.classes]:
            raise InputError(f"{root} has a folder {strange[0]}, which is no class in {FILE}; name it there.")
        return self.said.classes

    def consulted(self, root: Path, split: str) -> Sequence[Path]:
        return _consulted(root, self.said, split)

    def samples(self, root: Path, split: str) -> list[Sample]:
        names, parts = self.classes(root), _class_folders(root)
        chosen = list(parts) if self.said and self.said.splits else [split]
        found: list[tuple[int, Sample]] = []
        for folder in (folder for one in chosen for folder in parts[one]):
            label = names.index(folder.name)
            for place, (stem, path) in enumerate(sorted(_by_stem(folder).items())):
                found.append((place, Sample(f"{folder.name}/{stem}", {IMAGE: whole(path)}, label)))
        samples = [sample for _, sample in sorted(found, key=lambda pair: (pair[0], pair[1].label))]
        if self.said and self.said.splits:
            by_id: dict[str, Sample] = {}
            for sample in samples:
                if (other := by_id.setdefault(sample.id, sample)) is not sample:
                    raise InputError(_same(other.pieces[IMAGE].path, sample.pieces[IMAGE].path, sample.id))
            wanted = ids_of(root, self.said.splits[split])
            if absent := [one for one in wanted if one not in by_id]:
                raise InputError(f"{root / FILE} names the sample {absent[0]}, which is not there; correct the split.")
            return [by_id[one] for one in wanted]
        return samples


class Folder(Family):
    """`folder:PATH`. What its `dataset.toml` does not say is taken for granted, and said in a line."""

    name = "folder"
    what = "your own images: " + NEEDS

    def located(self, argument: str, root: Path | None) -> tuple[str, Path | None]:
        if root is None or "/" in argument:
            root = Path(argument).expanduser().absolute()
        return Path(argument).expanduser().absolute().name, root

    def layout(self, argument: str, root: Path | None) -> tuple[Layout, Path, list[str]]:
        found = layout_of(root := _folder(root), described(root))
        return found, root, found.splits(root)

    def open(self, argument: str, root: Path | None) -> FileDataSet:
        said = described(root := _folder(root))
        return _opened(f"{self.name}:{argument}", root, layout_of(root, said), said)


FOLDER = Folder()


def layout_of(root: Path, said: Described | None) -> Masks | Classes:
    """How a folder holds its images. Raises `InputError` where it is no such folder."""
    for layout in (Masks(said), Classes(said)):
        if layout.fits(root):
            return layout
    if any(root.rglob("*.parquet")):
        raise InputError(f"{root} holds Parquet files; call it hf:{root}.")
    raise InputError(f"{root} holds no data set; it needs {NEEDS}.")


def _opened(name: str, root: Path, layout: Masks | Classes, said: Described | None) -> FileDataSet:
    """Its card out of the manifests of its splits."""
    version = f"folder@1 {said.decoding}".rstrip() if said else "folder@1"
    catalogs = {split: catalog(name, version, layout, root, split) for split in layout.splits(root)}
    if isinstance(layout, Classes):
        classes = layout.classes(root)
    else:
        highest = max(catalog.highest for catalog in catalogs.values())
        classes = said.classes if said else tuple(str(value) for value in range(max(highest + 1, 2)))
        if highest >= len(classes):
            where = next(catalog.where(highest) for catalog in catalogs.values() if catalog.highest == highest)
            raise InputError(
                f"{where.pieces[MASK].name} holds class id {highest}, but {FILE} names {len(classes)} classes "
                f"(0-{len(classes) - 1}); name them all, list {highest} under void, or correct the mask."
            )
    splits = {split: len(catalog) for split, catalog in catalogs.items()}
    size = next(iter(catalogs.values())).size(0)
    card = (said or Described(classes=classes)).card(
        name,
        splits,
        size,
        masks=isinstance(layout, Masks),
        obtain="It is your own folder.",
        title=f"images of the folder {name.partition(':')[2]}",
    )
    opened = FileDataSet(card, (layout,), version, native=True)
    opened.varied = len({size for catalog in catalogs.values() for size in catalog.sizes}) > 1
    opened.said = _assumed(name, root, layout, catalogs, classes) if said is None else ""
    return opened


def _assumed(
    name: str, root: Path, layout: Masks | Classes, catalogs: Mapping[str, Catalog], classes: tuple[str, ...]
) -> str:
    """What is taken for granted of a folder without a `dataset.toml`, in a line."""
    count = sum(map(len, catalogs.values()))
    labels = f"grey values are class ids (0-{len(classes) - 1}), {IGNORE} is void"
    what = f"with masks, {labels}" if isinstance(layout, Masks) else f"in {len(classes)} class folders"
    splits = f"all are the split {next(iter(catalogs))}" if len(catalogs) == 1 else f"splits {', '.join(catalogs)}"
    said = f"{name}: {count:,} images {what}, {splits}; `bench data init {root}` writes a {FILE} to say otherwise."
    if isinstance(layout, Masks) and max(catalog.highest for catalog in catalogs.values()) < 1:
        said += f' No mask holds another class than 0: where {IGNORE} is one, masks = "colours" and a palette say so.'
    return said


def _folder(root: Path | None) -> Path:
    assert root is not None  # a path says where it is
    if not root.is_dir():
        what = f"{root} is a file" if root.is_file() else f"there is no folder {root}"
        raise InputError(f"{what}; folder: takes the folder that holds {NEEDS}.")
    return root


def _masks(root: Path) -> Path | None:
    return next((root / name for name in MASK_FOLDERS if (root / name).is_dir()), None)


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, hidden things aside."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror or error}.") from None


def _by_stem(folder: Path) -> dict[str, Path]:
    """The image files in a folder."""
    found: dict[str, Path] = {}
    for path in _entries(folder):
        if path.suffix.lower() in IMAGES and path.is_file() and (other := found.setdefault(path.stem, path)) != path:
            raise InputError(f"{other} and {path.name} have one stem, {path.stem}; rename or remove one.")
    return found


def _unite(found: dict[str, Path], more: Mapping[str, Path]) -> None:
    """Add the files of another folder, of whose stems none may be there already."""
    if both := sorted(found.keys() & more.keys()):
        raise InputError(_same(found[both[0]], more[both[0]], both[0]))
    found.update(more)


def _same(one: Path, other: Path, name: str) -> str:
    return (
        f"{one} and {other} are both called {name}, so that the splits in {FILE} name neither; rename one, or leave "
        "out its splits: then they are what the folders say."
    )


def _parts(images: Path) -> dict[str, Path]:
    """The folders of the splits of images/: itself, or those in it."""
    folders = [path for path in _entries(images) if path.is_dir()]
    if any(path.suffix.lower() in IMAGES for path in _entries(images)):
        if folders:
            raise InputError(f"{images} holds images and folders ({folders[0].name}); keep the one or the other.")
        return {ALL: images}
    if not folders:
        raise InputError(f"{images} holds no image ({', '.join(IMAGES)}); put some there.")
    return {ALIASES.get(path.name, path.name): path for path in folders}


def _class_folders(root: Path) -> dict[str, list[Path]]:
    """The class folders of each split; empty where there are none."""
    folders = [path for path in _entries(root) if path.is_dir()]
    if own := [path for path in folders if _by_stem(path)]:
        return {ALL: own}
    inner = {ALIASES.get(path.name, path.name): [one for one in _entries(path) if one.is_dir()] for path in folders}
    found = {split: [folder for folder in inside if _by_stem(folder)] for split, inside in inner.items()}
    return {split: inside for split, inside in found.items() if inside}


def _mask(path: Path) -> Piece:
    if path.suffix.lower() in LOSSY:
        raise InputError(f"{path} is a mask as JPEG, which changes class ids; write it as PNG.")
    return whole(path)


def _consulted(root: Path, said: Described | None, split: str) -> list[Path]:
    """The toml and the list of the split; what is not there yet is watched too."""
    given = said.splits.get(split) if said else None
    return [root / FILE, *([root / given] if isinstance(given, str) else [])]
