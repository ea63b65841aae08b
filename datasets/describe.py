"""A first `dataset.toml` for a folder of images, filled in as far as can be seen."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..symmflow.errors import InputError
from ..symmflow.files import write_atomically
from ..symmflow.pixels import IGNORE
from .decode import Colour, colours_of, decode_ids, in_colour
from .described import FILE, default_palette
from .folder import Masks, layout_of
from .layout import MASK


def describe(root: Path) -> Path:
    """Write a `dataset.toml` of what can be seen in a folder of images. One that is there stays: `InputError`."""
    place = root / FILE
    if place.exists():
        raise InputError(f"{place} is there already; edit it, or remove it to begin another.")
    layout, palette = layout_of(root, None), None
    if isinstance(layout, Masks):
        colours, highest = _seen_in(layout, root)
        palette = colours or default_palette(max(highest + 1, 2))
        classes = tuple(f"class {value}" for value in range(len(palette)))
        text = _text(root.resolve().name, classes, palette, colours=bool(colours), splits=layout.splits(root))
    else:
        text = _text(root.resolve().name, layout.classes(root), None, colours=False, splits=layout.splits(root))
    write_atomically(place, text)
    return place


def _seen_in(layout: Masks, root: Path) -> tuple[tuple[Colour, ...], int]:
    """The colours in masks that are in colour, commonest first; else the highest grey value but void."""
    counts: Counter[int] = Counter()
    highest = -1
    for split in layout.splits(root):
        for sample in layout.samples(root, split):
            read = sample.pieces[MASK].read()
            if in_colour(read):
                counts.update(colours_of(read))
            else:
                ids = decode_ids(read)
                highest = max(highest, int(ids[ids != IGNORE].max(initial=0)))
    if counts and highest >= 0:
        raise InputError(f"{root} has masks in colour and masks of grey values; keep the one or the other.")
    if len(counts) > IGNORE:
        raise InputError(f"the masks in {root} have {len(counts):,} colours, which are no classes; write class ids.")
    return tuple((c >> 16, c >> 8 & 255, c & 255) for c, _ in counts.most_common()), highest


def _text(
    title: str, classes: Sequence[str], palette: Sequence[Colour] | None, *, colours: bool, splits: Sequence[str]
) -> str:
    """A `dataset.toml` for a person to complete."""
    lines = [
        "# What symmbench cannot see in the files. Ids are the files' names without their endings.",
        f"title = {json.dumps(title)}",
        'licence = "not stated"',
        'source = ""',
        "# names of the classes, in the order of their ids"
        if palette
        else "# the class folders; their order is that of ids",
        f"classes = {json.dumps(list(classes), ensure_ascii=False)}",
    ]
    if palette:
        rows = "\n".join(f"    {list(colour)}," for colour in palette)
        lines += [
            "# what masks hold: class ids as grey values, or the palette's colours",
            f'masks = "{"colours" if colours else "ids"}"',
            f"palette = [\n{rows}\n]",
            "# pixels without a class: grey values beside 255"
            if not colours
            else "# colours of pixels without a class",
            "void = []",
            "# pairs of classes that change places when an image is flipped",
            "mirrored = []",
        ]
    lines += [
        f"# splits, as found: {', '.join(splits)}. Others: ids, or a file with an id a line",
        "[splits]",
        '# test = "test.txt"',
    ]
    return "\n".join(lines) + "\n"
