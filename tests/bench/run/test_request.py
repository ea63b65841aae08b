"""Requests that no cell can answer."""

from dataclasses import replace
from pathlib import Path

import pytest

from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.sweep import sweep
from symmbench.symmflow.errors import InputError


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"methods": ["symflow"]}, "did you mean 'symmflow'"),
        ({"tasks": ["clss"]}, "did you mean 'cls'"),
        ({"datasets": ["digit"]}, "did you mean 'digits'"),
        ({"datasets": ["two-spirals"], "tasks": ["ss"]}, "no data set given has a task of ss"),
        ({"methods": ["cnn"], "tasks": ["sis"], "datasets": ["digits"]}, "only classifies"),
        ({"solver": "eular"}, "did you mean 'euler'"),
        ({"precision": "fp8"}, "unknown precision"),
        ({"limit": 0}, "--limit must be at least 1"),
        ({"batch_size": 257}, "--batch-size must lie in 1-256"),
        ({"split": "tset"}, "did you mean 'test'"),
        ({"checkpoint": "nowhere/at/all"}, "no checkpoint folder"),
        ({"checkpoint": "x", "methods": ["all"]}, "exactly one --method"),
        ({"device": "cuda:99"}, "is not on this machine"),
        ({"device": "gpu"}, "is no device"),
        ({"datasets": ["mnist"], "data_root": Path("/nonexistent")}, "not a folder"),
    ],
)
def test_bad_requests_are_one_sentence(tmp_path: Path, change: dict[str, object], said: str) -> None:
    base = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1], limit=4, out=tmp_path)
    with pytest.raises(InputError) as error:
        asked = replace(base, **change)
        sweep(plan(asked), asked)  # type: ignore[arg-type]
    assert said in str(error.value) and "\n" not in str(error.value)
