"""Evidence on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from symmbench.bench.records.evidence import mask_png


def test_masks_of_more_classes_than_a_byte_holds(tmp_path: Path) -> None:
    import io

    from PIL import Image

    mask = np.array([[0, 300], [65_535, 7]])
    assert (np.asarray(Image.open(io.BytesIO(mask_png(mask)))) == mask).all()
