"""From a request to jobs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.sweep import sweep
from symmbench.symmflow.errors import InputError


def request(out: Path, **changes: object) -> Request:
    wanted = {"tasks": ["ss"], "datasets": ["digit-scenes"], "steps": [1], "limit": 20, "out": out, "device": "cpu"}
    return Request(**(wanted | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "test"}, "the protocol fixes --split at validation"),
        ({"samples_per_mask": 2, "tasks": ["sis"]}, "fixes --samples-per-mask at 17"),
        ({"tasks": ["sis"], "extractor": "digits-cnn"}, "fixes --extractor at inception"),
        ({"protocol": "nothing"}, "unknown protocol 'nothing'"),
    ],
)
def test_a_protocol_is_not_half_kept(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan(request(tmp_path, **({"protocol": "symmflow-official"} | change)))


def test_classification_is_measured_on_the_test_split_under_every_protocol(tmp_path: Path) -> None:
    asked = request(tmp_path, tasks=["cls"], datasets=["digits"], protocol="symmflow-official")
    assert plan(asked).jobs[0].protocol.split == "test"


def test_a_one_way_method_has_no_cycle(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unet cannot do cycle on digit-scenes"):
        plan(request(tmp_path, methods=["unet"], tasks=["cycle"]))


def test_limit_is_part_of_the_key(tmp_path: Path) -> None:
    few = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1], limit=10, out=tmp_path)
    everything = replace(few, limit=None)
    for asked, n in ((few, 10), (everything, 2000)):
        (job,), (record,) = plan(asked).jobs, sweep(plan(asked), asked).records
        assert record.n == job.protocol.n == n and record.key == job.cells[0].key
    keys = [plan(asked).jobs[0].cells[0].key for asked in (few, everything)]
    assert len(set(keys)) == 2


def test_a_checkpoint_of_another_data_set_is_refused(tmp_path: Path) -> None:
    """Its test digits may be among the other's training digits."""
    from symmbench.methods.registry import CHECKPOINTS

    folder = str(CHECKPOINTS / "digits" / "cnn")
    with pytest.raises(InputError, match="trained on digits, not on digits-by-writer"):
        plan(Request(methods=["cnn"], tasks=["cls"], datasets=["digits-by-writer"], checkpoint=folder, out=tmp_path))
