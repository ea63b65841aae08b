"""How many samples a label a protocol takes, which may differ between data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from symmbench.bench.protocols import rules
from symmbench.bench.run.inventory import of_protocols
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.rescore import rescore
from symmbench.bench.run.sweep import sweep
from symmbench.symmflow.errors import InputError


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text("samples_per_label = 3\nsamples_on = {digit-scenes = 2}\n")
    return path


def asked(own: Path, **more: Any) -> Request:
    wanted = {
        "tasks": ["sis"],
        "steps": [1],
        "limit": 4,
        "device": "cpu",
        "protocol": str(own),
        "out": own.parent / "r",
    }
    return Request(**(wanted | more))


def test_symmflow_takes_seventeen_samples_on_faces_and_ten_on_coco() -> None:
    official = rules("symmflow-official")
    assert (official.samples("celebamask-hq"), official.samples("coco-stuff")) == (17, 10)
    assert rules("sdm").samples("coco-stuff") == 10 and rules("harness").samples("coco-stuff") is None
    assert any("shuffles and drops the last batch" in line for line in official.departs)
    shown = {row["field"]: row for row in of_protocols()}["samples_per_label"]
    assert shown["symmflow-official"] == "17; 10 on coco-stuff" and shown["sdm"] == 10


@pytest.mark.parametrize(("dataset", "samples"), [("digit-scenes", 2), ("digits", 3)])
def test_a_protocol_sets_the_samples_of_each_data_set(own: Path, dataset: str, samples: int) -> None:
    (job,) = plan(asked(own, datasets=[dataset])).jobs
    assert job.cells[0].samples_per_mask == samples and job.protocol.policy["samples per label"] == samples
    with pytest.raises(InputError, match=f"fixes --samples-per-mask at {samples}"):
        plan(asked(own, datasets=[dataset], samples_per_mask=5))


def test_evidence_of_other_samples_is_not_scored_under_it(own: Path) -> None:
    request = asked(own, protocol="harness", methods=["semflow"], samples_per_mask=3)
    sweep(plan(request), request)
    ((_, why),) = rescore([own.parent / "r"], protocol=str(own)).left
    assert why == "own takes 2 samples a label"
