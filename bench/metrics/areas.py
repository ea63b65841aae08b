"""The areas of images and classes that follow from confusion counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray
LARGEST = 10**7
"""Images times classes."""
PARTS = ("hit", "truth", "predicted")


@dataclass(frozen=True)
class Areas:
    """Per image and class: pixels hit, in the truth, in the prediction; each [n, K], float64."""

    hit: Array
    truth: Array
    predicted: Array

    @classmethod
    def from_sparse(cls, image: Array, truth: Array, predicted: Array, count: Array, n: int, num_classes: int) -> Areas:
        """`image`: position of the image, 0 to n - 1."""
        hit, of_truth, of_prediction = (np.zeros((n, num_classes)) for _ in range(3))
        same = truth == predicted
        np.add.at(hit, (image[same], truth[same]), count[same])
        np.add.at(of_truth, (image, truth), count)
        np.add.at(of_prediction, (image, predicted), count)
        return cls(hit, of_truth, of_prediction)

    @property
    def present(self) -> Array:
        """Classes that occur in the truth of the evaluated images, bool [K]; the mean is over these, also resampled."""
        return self.truth.sum(axis=0) > 0

    def iou(self, weights: Array | None = None) -> Array:
        """IoU a class over the data set, [R, K] for weights [R, n] (default: each image once); NaN without truth."""
        w = np.ones((1, len(self.hit))) if weights is None else weights
        hit, truth, predicted = np.split(w @ np.concatenate([self.hit, self.truth, self.predicted], axis=1), 3, axis=1)
        with np.errstate(invalid="ignore"):
            return np.where(truth > 0, hit / (truth + predicted - hit), np.nan)

    def of(self, classes: Sequence[int]) -> Areas:
        """Those of some classes; pixels of the others that were taken for them stay in the prediction."""
        return Areas(*(getattr(self, part)[:, list(classes)] for part in PARTS))

    def taking(self, other: Areas, where: Array) -> Areas:
        """These with the images of `other` where `where` [n] is true."""
        return Areas(*(np.where(where[:, None], getattr(other, part), getattr(self, part)) for part in PARTS))

    def frame(self, ids: Sequence[str]) -> pd.DataFrame:
        """A row an image and class with pixels, and one at least an image."""
        import pandas as pd

        filled = (self.truth > 0) | (self.predicted > 0)
        filled[~filled.any(axis=1), 0] = True
        filled[0, -1] = True  # so that the number of classes can be read
        image, of_class = np.nonzero(filled)
        counts = {part: getattr(self, part)[image, of_class] for part in PARTS}
        return pd.DataFrame({"id": np.asarray(ids, dtype=object)[image], "class": of_class, **counts})

    @classmethod
    def read(cls, frame: pd.DataFrame) -> tuple[tuple[str, ...], Areas]:
        """Ids and areas from `frame`."""
        ids = tuple(dict.fromkeys(frame["id"]))
        place = {sample_id: row for row, sample_id in enumerate(ids)}
        image, of_class = frame["id"].map(place).to_numpy(), frame["class"].to_numpy()
        if of_class.min() < 0 or len(ids) * (int(of_class.max()) + 1) > LARGEST:
            raise ValueError(f"classes {of_class.min()} to {of_class.max()} of {len(ids)} images are no areas")
        dense: list[Any] = [np.zeros((len(ids), of_class.max() + 1)) for _ in PARTS]
        for part, name in zip(dense, PARTS, strict=True):
            part[image, of_class] = frame[name]
        return ids, cls(*dense)
