"""Dying at a write, a rename or a removal loses no earlier record, and the same call again ends as if nothing had been.

A sample of the points here; all of them in `make crash`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SAMPLED = {"sweep": 10, "force": 14, "training": 10}
EVERYWHERE = ("sweep", "force", "synthesis", "training")


@pytest.mark.parametrize("name", SAMPLED)
def test_dying_at_some_points(name: str, tmp_path: Path, scenes: Callable[[str], Any]) -> None:
    scene = scenes(name)
    count = scene.points(tmp_path / "at")
    assert count > 15
    scene.die(tmp_path / "at", sorted(random.Random(13).sample(range(count), SAMPLED[name])))


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("name", EVERYWHERE)
def test_dying_at_every_point(
    name: str, part: int, tmp_path: Path, scenes: Callable[[str], Any], record_property: Callable[[str, Any], None]
) -> None:
    """A quarter each, so that several processes share them."""
    scene = scenes(name)
    count = scene.points(tmp_path / "at")
    points = range(part, count, 4)
    scene.die(tmp_path / "at", points)
    record_property("points", f"{len(points)} of {count}")
