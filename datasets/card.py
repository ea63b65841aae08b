"""What a data set is: its card, the facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Card:
    """The facts of a data set."""

    name: str
    title: str
    tasks: tuple[str, ...]
    """Abbreviations: cls, ss, sis."""
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    """Of an image: (C, H, W), or (D,) for points."""
    splits: Mapping[str, int]
    """Samples of each split."""
    licence: str
    redistributable: bool = field(default=False, kw_only=True)
    """Whether that lets its images be passed on, in a report say."""
    source: str = ""
    obtain: str = ""
    """How to get it, in one sentence."""
    palette: tuple[tuple[int, int, int], ...] | None = None
    """A colour a class, for masks."""
    judges: tuple[str, ...] = ("inception", "mobilenet-v2", "lpips-alex", "unet", "cnn")
    """Independent networks that suit its images, in order of preference: of each role the first that is there."""
    preprocessing: str = "none: images as the data set's card says"
    """What is done to the originals, as a protocol says it."""
    mirrored: tuple[tuple[str, str], ...] = ()
    """Pairs of classes that change places when an image is flipped horizontally: left and right eye."""
    withheld: Mapping[str, str] = field(default_factory=dict)
    """Splits that exist but cannot be measured, each with the reason."""
    counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Of the official splits (or of `all` together), where it is known: images of every class, or pixels of every class
    and of void in the original masks."""
    notes: str = ""

    @property
    def flipped(self) -> tuple[int, ...] | None:
        """What each class id becomes when an image is flipped horizontally; None: itself."""
        if not self.mirrored:
            return None
        other = {a: b for pair in self.mirrored for a, b in (pair, pair[::-1])}
        return tuple(self.classes.index(other.get(name, name)) for name in self.classes)

    @property
    def default_split(self) -> str:
        """The one that is measured where none is asked for."""
        return "test" if "test" in self.splits or not self.splits else list(self.splits)[-1]

    @property
    def is_points(self) -> bool:
        return len(self.shape) == 1

    @property
    def has_masks(self) -> bool:
        return self.palette is not None

    @property
    def channels(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> tuple[int, ...]:
        """Spatial size: (H, W), or () for points."""
        return self.shape[1:]
