"""Quality against cost."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from symmbench.bench.compare.fronts import cheapest, front, undominated
from symmbench.symmflow.errors import InputError


def test_undominated_and_cheapest_by_hand() -> None:
    quality = np.array([[0.8], [0.9], [0.9], [0.7], [0.91]])
    cost = np.array([1.0, 5.0, 6.0, 2.0, 25.0])
    assert undominated(quality, cost)[:, 0].tolist() == [True, True, False, False, True]
    assert undominated(np.array([[0.9], [0.9]]), np.array([1.0, 1.0])).all()  # equals do not beat each other
    assert cheapest(quality, cost, 0.02).tolist() == [1]
    assert cheapest(quality, cost, 0.2).tolist() == [0]
    assert cheapest(quality, cost, 0.0).tolist() == [4]


def test_undominated_is_what_no_other_row_beats() -> None:
    """Against its definition, row by row and draw by draw; with ties, and with what is no number."""
    random = np.random.default_rng(0)
    quality, cost = random.integers(0, 4, (7, 50)).astype(float), random.integers(0, 3, 7).astype(float)
    quality[2, 5] = np.nan
    found = undominated(quality, cost)
    for draw, (i, row) in product(range(50), enumerate(cost)):
        own = quality[i, draw]
        beaten = any(
            (q > own and c <= row) or (q >= own and c < row) for q, c in zip(quality[:, draw], cost, strict=True)
        )
        assert found[i, draw] == (not beaten)


def test_front_with_frequencies(results: Any) -> None:
    for method, right, nfe in (("a", 100, 1), ("b", 101, 5), ("c", 60, 5), ("d", 118, 25)):
        results.classifier(method, right, nfe)
    found = front(results.table, "accuracy", {}, within=0.2)
    by_method = {p.row.method: p for p in found.points}
    assert {m: p.on_front["nfe"] for m, p in by_method.items()} == {"a": True, "b": True, "c": False, "d": True}
    assert by_method["a"].frequency["nfe"] == 1 and by_method["c"].frequency["nfe"] == 0
    # b has one more image right than a: on the front unless that image is not drawn, 1 - (1 - 1/120)^120
    assert by_method["b"].frequency["seconds"] == pytest.approx(0.634, abs=0.05)
    assert found.choice["nfe"].method == "a" and by_method["a"].cheapest["nfe"] > 0.9
    assert front(results.table, "accuracy", {}).choice["nfe"].method == "d"
    with pytest.raises(InputError, match="unknown metric"):
        front(results.table, "fid", {})
