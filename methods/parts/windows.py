"""Whole images or sliding windows: how a segmenter that was made elsewhere sees images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ...datasets.view import LARGEST
from ...symmflow.errors import InputError
from ...symmflow.recipe import Table

if TYPE_CHECKING:
    from torch import Tensor

Side = Annotated[int, Field(ge=0, le=LARGEST)]


class SegmenterInference(Table):
    """What `--set` may change of a segmenter."""

    window: Side | None = None
    """Side of the square windows that slide over an image, in its pixels; 0: none. None: as its configuration says."""
    stride: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """From one window to the next. None: two thirds of a window."""
    classes: Literal["card", "by-name"] = "card"
    """`card`: a model whose classes are named otherwise than the card's, in its order, is refused; `by-name`: they are
    put into that order by their names."""

    @model_validator(mode="after")
    def _stride_fits(self) -> Self:
        if self.stride is not None and not 0 < self.stride <= (self.window or 0):
            raise ValueError(f"stride {self.stride} takes a window of at least as many pixels; give both")
        return self


@dataclass(frozen=True)
class Window:
    """`size`, `stride`: (H, W) in pixels of the image."""

    size: tuple[int, int]
    stride: tuple[int, int]

    def places(self, size: tuple[int, ...]) -> list[tuple[slice, slice]]:
        """Rows and columns of all windows over an image (H, W): they cover it, the last ones end with it.

        An image smaller than a window is one place.
        """
        rows, columns = (list(_along(*of)) for of in zip(size, self.size, self.stride, strict=True))
        return [(row, column) for row in rows for column in columns]


def _along(length: int, window: int, stride: int) -> Iterator[slice]:
    for index in range(max(length - window + stride - 1, 0) // stride + 1):
        end = min(index * stride + window, length)
        yield slice(max(end - window, 0), end)


def chosen_window(chosen: SegmenterInference, own: Window | None = None) -> Window | None:
    """The window that is asked for, or else the model's own; None: the whole image."""
    if chosen.window is None:
        return own
    stride = chosen.stride or -(-2 * chosen.window // 3)
    return Window((chosen.window,) * 2, (stride,) * 2) if chosen.window else None


def configured_window(test_cfg: Mapping[str, Any], where: str) -> Window | None:
    """That of an mmsegmentation config's `test_cfg`; None: whole images."""
    if test_cfg.get("mode", "whole") != "slide":
        return None
    try:
        (height, width), (down, right) = test_cfg["crop_size"], test_cfg["stride"]
        sides = [int(side) for side in (height, width, down, right)]
    except (KeyError, TypeError, ValueError):
        sides = [0]
    if min(sides) < 1:
        raise InputError(f"the test_cfg of {where} slides without a crop_size and a stride of two sides each.")
    return Window((sides[0], sides[1]), (sides[2], sides[3]))


def slid(score: Callable[[Tensor], Tensor], images: Tensor, window: Window) -> Tensor:
    """Scores [B, K, H, W] of images [B, C, H, W]: where windows overlap, the mean of theirs.

    `score`: windows [B, C, h, w] -> [B, K, h, w].
    """
    total: Tensor | None = None
    height, width = images.shape[-2:]
    seen = images.new_zeros(height, width)
    for rows, columns in window.places((height, width)):
        found = score(images[..., rows, columns])
        if total is None:
            total = found.new_zeros(*found.shape[:2], height, width)
        total[..., rows, columns] += found
        seen[rows, columns] += 1
    assert total is not None
    return total / seen
