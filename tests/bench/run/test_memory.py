"""An evaluation for which memory does not suffice: smaller batches, the same figures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from symmbench.bench.records import Record, Store
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.sweep import sweep
from symmbench.bench.tasks.cls import Classify
from symmbench.bench.tasks.sis import Synthesize
from symmbench.symmflow.errors import Note
from symmbench.symmflow.memory import is_out_of_memory
from symmbench.symmflow.networks import MLP, UNet


def full() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def really_full() -> None:
    torch.empty(2**55, dtype=torch.uint8)


@contextmanager
def holding(most: int, kind: type[nn.Module], else_: Callable[[], None] = full, after: int = 0) -> Iterator[list[int]]:
    """A device on which a network of a kind holds `most` images at once; yields the sizes that it was called with.

    `after`: calls that are let through, whatever their size.
    """
    sizes: list[int] = []

    def look(module: nn.Module, args: tuple[Any, ...]) -> None:
        if isinstance(module, kind):
            sizes.append(len(args[0]))
            if sizes[-1] > most and len(sizes) > after:
                else_()

    handle = register_module_forward_pre_hook(look)
    try:
        yield sizes
    finally:
        handle.remove()


def measured(out: Path, **changes: Any) -> list[Record]:
    """Points of two spirals, by default."""
    asked: dict[str, Any] = {"tasks": ["cls"], "datasets": ["two-spirals"], "steps": [1], "limit": 20}
    request = Request(out=out, device="cpu", **(asked | changes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Note)
        return sweep(plan(request), request).records


def scenes(untrained: Path, out: Path, **changes: Any) -> list[Record]:
    asked = {"tasks": ["ss", "sis"], "datasets": ["digit-scenes"], "checkpoint": str(untrained)}
    return measured(out, **(asked | changes))


def figures(records: list[Record]) -> list[dict[str, Any]]:
    return [{name: figure.model_dump() for name, figure in r.metrics.items()} for r in records]


def batches(records: list[Record]) -> list[int]:
    return [r.cost.batch_size for r in records if r.cost]


@pytest.fixture(scope="module")
def plenty(untrained_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    return scenes(untrained_scenes, tmp_path_factory.mktemp("plenty"))


def test_a_batch_too_large_is_halved_and_the_figures_are_the_same_to_the_digit(
    untrained_scenes: Path, tmp_path: Path, plenty: list[Record]
) -> None:
    with holding(5, UNet) as sizes:
        records = scenes(untrained_scenes, tmp_path)
    assert [size for size in sizes if size > 5] == [20, 10] * 2  # once a job, and no more
    assert figures(records) == figures(plenty) and len(figures(records)[0]) > 3
    assert batches(records) == [5, 5] and batches(plenty) == [20, 20]
    assert all(r.nfe == r.steps for r in records)
    rows = [cell.evidence.table("samples") for cell in Store(tmp_path).items()]
    assert all(len(set(table["id"])) == len(table) == 20 for table in rows)


def test_a_judge_that_is_short_of_memory_sees_fewer_images_at_once(
    untrained_scenes: Path, tmp_path: Path, plenty: list[Record]
) -> None:
    with holding(8, nn.BatchNorm2d) as sizes:  # the U-Net has none
        found = figures(scenes(untrained_scenes, tmp_path, tasks=["sis"]))
    assert max(sizes) == 20 and "fid[digits-cnn]" in found[0] and found == figures(plenty)[1:]


def test_an_allocation_that_really_fails_halves_the_batch_too(tmp_path: Path) -> None:
    with holding(6, MLP, really_full) as sizes:
        records = measured(tmp_path / "little", steps=[1, 2])
    assert figures(records) == figures(measured(tmp_path / "plenty", steps=[1, 2]))
    assert sizes[:3] == [20, 10, 5] and max(sizes[3:]) == 5 and batches(records) == [5, 5]


def test_memory_that_runs_out_in_the_middle_costs_the_batch_alone(tmp_path: Path) -> None:
    """The speed is that of batches of one size: the last."""
    with holding(2, MLP, after=9):
        (record,) = measured(tmp_path / "cut", batch_size=4)
    assert figures([record]) == figures(measured(tmp_path / "whole"))
    (cell,) = Store(tmp_path / "cut").items()
    sizes = [batch["size"] for batch in cell.evidence.batches()]
    fours, twos = sizes.count(4), sizes.count(2)
    assert sizes == [4] * fours + [2] * twos and 0 < fours < 5 and sum(sizes) == 20
    assert record.cost and (record.cost.batch_size, record.cost.timed_batches) == (2, twos)
    assert 0 < len(record.cost.relative) <= twos


def test_figures_of_trained_weights_agree_to_rounding_and_the_mixed_sizes_are_told(bench: Any, tmp_path: Path) -> None:
    asked: dict[str, Any] = {
        "tasks": ["ss", "sis"],
        "datasets": ["digit-scenes"],
        "methods": ["symmflow"],
        "steps": [1],
    }
    whole = measured(tmp_path / "whole", **asked)
    with holding(4, UNet, after=6):
        cut = measured(tmp_path / "cut", batch_size=8, **asked)
    scores, syntheses = zip(figures(whole), figures(cut), strict=True)
    assert scores[0] == scores[1]
    for name, figure in syntheses[0].items():
        assert syntheses[1][name]["value"] == pytest.approx(figure["value"], rel=1e-4), name
    assert cut[0].provenance["batch_sizes"] == [4, 8] and "batch_sizes" not in whole[0].provenance
    (again,) = (tmp_path / "cut").glob("*/ss/*/record.json")
    done = bench("reproduce", str(again), "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert "batches were of 4 and 8 images, this time of 4: outputs may differ by rounding." in done.stdout


def test_a_single_image_too_large_is_said_in_a_sentence(tmp_path: Path) -> None:
    with holding(0, MLP) as sizes:
        (record,) = measured(tmp_path, batch_size=4)
    assert sizes == [4, 2, 1] and record.status == "failed"
    assert record.failure.startswith("symmflow has not enough memory on cpu for a single image")
    assert "--precision bf16" in record.failure and "during handling" not in record.reason.lower()


@pytest.mark.parametrize("error", [MemoryError, full])
def test_a_check_that_is_short_of_memory_halves_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Callable[[], Any]
) -> None:
    checked = Classify.fault

    def fault(self: Classify, result: Any, card: Any, count: int, most: int = 5) -> str:
        if count > most:
            raise error() or AssertionError
        return checked(self, result, card, count)

    monkeypatch.setattr(Classify, "fault", fault)
    (record,) = measured(tmp_path / "little")
    assert record.status == "ok" and batches([record]) == [5]
    monkeypatch.setattr(Classify, "fault", lambda *given: fault(*given, most=0))
    (record,) = measured(tmp_path / "nothing")
    assert record.status == "failed" and "symmflow" not in record.failure
    assert record.failure.startswith(
        "OutOfMemory: checking, timing or judging what a method gives has not enough memory on cpu"
    )


def test_real_images_that_are_too_large_are_not_the_methods_failure(
    untrained_scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Synthesize, "real_rows", lambda *given: full())
    (record,) = scenes(untrained_scenes, tmp_path, tasks=["sis"], limit=2)
    assert record.status == "failed"
    assert record.failure.startswith(
        "OutOfMemory: looking at the real images has not enough memory on cpu for a single image"
    )


def test_other_failures_are_none_of_memory(tmp_path: Path) -> None:
    def broken() -> None:
        raise ValueError("CUDA out of memory.")

    with holding(5, MLP, broken) as sizes:
        (record,) = measured(tmp_path)
    assert sizes == [20] and record.status == "failed" and "breaks with ValueError" in record.failure
    wrapped = RuntimeError("broke")
    wrapped.__cause__ = torch.OutOfMemoryError("CUDA out of memory.")
    assert is_out_of_memory(wrapped) and is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"))
    assert not is_out_of_memory(RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear"))
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


def test_it_is_told(tmp_path: Path) -> None:
    request = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1], limit=8, out=tmp_path, device="cpu")
    told = "batches of 8 do not fit into the memory of cpu; they have 4 images from here on"
    with holding(4, MLP), pytest.warns(Note, match=told):
        sweep(plan(request), request)


@pytest.mark.parametrize(("size", "first"), [("auto", 64), (16, 16), ("16", 16)])
def test_auto_begins_with_sixty_four(size: Any, first: int, tmp_path: Path) -> None:
    (record,) = measured(tmp_path, limit=70, batch_size=size)
    assert batches([record]) == [first]
