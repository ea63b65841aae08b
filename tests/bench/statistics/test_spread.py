import numpy as np
import pytest

from symmbench.bench.statistics import spread


def test_spread_takes_the_sources_apart() -> None:
    random = np.random.default_rng(2)
    runs = random.normal(scale=3.0, size=400)[:, None] + random.normal(scale=1.0, size=(400, 5))
    found = spread(runs.tolist(), image_error=0.5)
    assert found.images == 0.5
    assert found.generation == pytest.approx(1.0, rel=0.1) and found.training == pytest.approx(3.0, rel=0.1)
    assert spread([[1.0]]).training is None and spread([[1.0]]).generation is None
    assert spread([[1.0, 2.0], [1.0, 2.0]]).training == 0
