"""Pictures kept beside the evidence: of the same samples always, the way ends at the output, and no figure changes."""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from symmbench import datasets
from symmbench.bench import run
from symmbench.bench.records import Kept, Stored, read_stored
from symmbench.bench.run.kept import LONGEST, Keeper, Watch, webp
from symmbench.bench.tasks import task
from symmbench.symmflow.errors import InputError, Note
from symmbench.symmflow.solvers import integrate

ASKED: dict[str, Any] = {"limit": 24, "device": "cpu", "steps": [1, 3], "keep_images": 6}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("kept")
    run(methods=["symmflow", "semflow"], tasks=["ss", "sis"], out=out, batch_size=16, **ASKED)
    return out


def cells(out: Path) -> list[Stored]:
    return read_stored([out])


def pictures(stored: Stored) -> list[Kept]:
    return list(stored.evidence.images())


def of(kept: Sequence[Kept], what: str) -> dict[str, np.ndarray]:
    return {one.id: pixels(one.webp) for one in kept if one.what == what}


def pixels(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def test_the_same_ids_of_every_method_task_and_step_count(store: Path) -> None:
    ids = datasets.manifest("digit-scenes", "test").ids[:24]
    smallest = set(sorted(ids, key=lambda own: hashlib.sha256(own.encode()).hexdigest())[:6])
    found = [{one.id for one in pictures(stored)} for stored in cells(store)]
    assert len(found) == 8
    assert all(one == smallest for one in found)


def test_masks_and_small_images_are_kept_to_the_bit(store: Path) -> None:
    scenes = datasets.load("digit-scenes", "test")
    where = {own: i for i, own in enumerate(scenes.ids)}
    for stored in cells(store):
        kept = pictures(stored)
        labels, real = of(kept, "label"), of(kept, "real")
        batch = scenes.batch(np.array([where[own] for own in labels]))
        for row, own in enumerate(labels):
            assert (labels[own] == batch.labels[row][..., None]).all()
            assert (real[own] == np.round((batch.images[row] + 1) * 127.5).transpose(1, 2, 0)).all()


def test_the_output_is_what_was_measured(store: Path) -> None:
    for stored in (one for one in cells(store) if one.record.task == "ss"):
        masks = dict(stored.evidence.masks())
        for own, shown in of(pictures(stored), "output").items():
            assert (shown == masks[own][..., None]).all()


def test_a_way_leads_from_the_start_to_the_output(store: Path) -> None:
    for stored in (one for one in cells(store) if one.record.task == "sis"):
        kept = pictures(stored)
        outputs, ways = of(kept, "output"), defaultdict(list)
        for one in kept:
            if one.what == "trace":
                ways[one.id].append(one)
        assert len(ways) == 4
        for own, way in ways.items():
            times = [one.time for one in way]
            assert times == pytest.approx(np.linspace(times[0], times[-1], stored.record.steps + 1))
            assert {times[0], times[-1]} == {0, 1}
            apart = np.abs(pixels(way[-1].webp).astype(int) - outputs[own])
            assert apart.mean() < 8  # states are kept with loss
            assert np.abs(pixels(way[0].webp).astype(int) - outputs[own]).mean() > 2 * apart.mean()


def test_batches_and_parts_change_nothing(store: Path, tmp_path: Path) -> None:
    run(methods="symmflow", tasks="ss", out=tmp_path, batch_size=7, **ASKED)
    before = {s.record.key: s for s in cells(store)}
    for stored in cells(tmp_path):
        ours, theirs = pictures(stored), pictures(before[stored.record.key])
        assert [(one.id, one.what, one.time) for one in ours] == [(one.id, one.what, one.time) for one in theirs]
        assert [p.webp for p in ours if p.what != "trace"] == [p.webp for p in theirs if p.what != "trace"]


def test_no_figure_depends_on_what_is_kept(store: Path, tmp_path: Path) -> None:
    run(methods=["symmflow", "semflow"], tasks=["ss", "sis"], out=tmp_path, batch_size=16, **ASKED | {"keep_images": 0})
    with_pictures = {s.record.key: s.record for s in cells(store)}
    without = cells(tmp_path)
    assert {s.record.key for s in without} == set(with_pictures)
    for stored in without:
        assert pictures(stored) == []
        same = with_pictures[stored.record.key]
        assert stored.record.metrics == same.metrics
        assert (stored.record.nfe, stored.record.protocol) == (same.nfe, same.protocol)


def test_real_images_only_where_they_may_be_passed_on() -> None:
    scenes = datasets.load("digit-scenes", "test")
    batch, may = scenes.batch(np.arange(4)), datasets.card("digit-scenes")
    assert may.redistributable
    for name in ("camvid", "celebamask-hq", "cityscapes", "coco-stuff", "cifar-10"):
        assert not datasets.card(name).redistributable, name
    for card, wanted in (
        (may, {"label", "real", "output"}),
        (replace(may, redistributable=False), {"label", "output"}),
    ):
        keeper = Keeper.of(task("ss"), card, batch.ids, 2)
        columns = keeper.columns(batch, 4, batch.labels, (), paired=True)
        assert set(columns["what"]) == wanted
        assert len(columns["id"]) == 2 * len(wanted)


def test_of_unpaired_syntheses_there_are_outputs_alone() -> None:
    batch = datasets.load("digit-scenes", "test").batch(np.arange(4))
    card = datasets.card("digit-scenes")
    images = np.zeros((4, 3, 32, 32), dtype=np.uint8)
    columns = Keeper.of(task("sis"), card, batch.ids, 4).columns(batch, 4, images, (), paired=False)
    assert set(columns["what"]) == {"output"}


@pytest.mark.parametrize("steps", [1, 5, 8, 25, 1000])
def test_a_watch_takes_a_few_states_evenly(steps: int) -> None:
    import torch

    watch = Watch((1, 3))
    for _ in range(2):  # a later result begins anew
        watch.begin(steps)
        state = torch.arange(5.0)[:, None]
        end = integrate(lambda z, t: torch.ones_like(z), state, start=0.0, end=1.0, steps=steps, trace=watch)
        found = watch.states()
        assert len(found) == min(steps, 8) + 1
        times = np.array([t for t, _ in found])
        assert (times[0], times[-1]) == (0, 1)
        assert np.abs(times - np.linspace(0, 1, len(times))).max() <= 0.5 / steps + 1e-9
        for t, rows in found:
            assert rows[:, 0].tolist() == pytest.approx([1 + t, 3 + t], abs=1e-4)
        assert (found[-1][1] == end[[1, 3]]).all()


@pytest.mark.parametrize("calls", [0, 1, 3, 5])
def test_what_is_not_traced_step_by_step_is_no_way(calls: int) -> None:
    import torch

    watch = Watch((0,))
    watch.begin(3)
    for i in range(calls):
        watch(i / 3, torch.zeros(1, 1))
    assert watch.states() == []


def test_large_pictures_are_shrunk_and_masks_keep_their_ids() -> None:
    mask = np.kron(np.array([[0, 170], [255, 7]]), np.ones((256, 512), dtype=int))
    small = pixels(webp(mask))
    assert small.shape == (LONGEST // 2, LONGEST, 3)
    assert set(np.unique(small)) == {0, 7, 170, 255}
    image = np.random.default_rng(0).integers(0, 255, (3, 300, 200)).astype(np.uint8)
    assert pixels(webp(image)).shape == (LONGEST, 171, 3)


@pytest.mark.parametrize("count", [-1, 257])
def test_how_many_can_be_kept(count: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--keep-images must lie in 0-256"):
        run(methods="cnn", tasks="cls", out=tmp_path, keep_images=count)


def test_a_method_that_breaks_while_it_shows_a_state_loses_no_cell() -> None:
    """No figure depends on it."""
    import torch

    class Broken:
        name = "broken"

        def picture(self, state: Any, *, image: bool) -> Any:
            raise KeyError("state")

    watch = Watch((0,))
    watch.begin(1)
    for t in (0.0, 1.0):
        watch(t, torch.zeros(1, 3, 2, 2))
    keeper = Keeper.of(task("sis"), datasets.card("digit-scenes"), ["a"], 1)
    with pytest.warns(Note, match="broken shows no state on its way: it breaks with KeyError"):
        assert keeper.shown(Broken(), watch) == ()  # type: ignore[arg-type]
