"""Protocols and what their hash is of."""

from __future__ import annotations

from pathlib import Path

from symmbench.bench.protocols import differing, rules
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request


def request(out: Path, **changes: object) -> Request:
    wanted = {"tasks": ["ss"], "datasets": ["digit-scenes"], "steps": [1], "limit": 20, "out": out, "device": "cpu"}
    return Request(**(wanted | changes))  # type: ignore[arg-type]


def test_the_hash_is_of_what_is_measured_not_of_names(tmp_path: Path) -> None:
    asked = [request(tmp_path, protocol=name, split="validation") for name in ("harness", "symmflow-official")]
    ours, theirs = (plan(one).jobs[0].protocol for one in asked)
    assert (ours.name, theirs.name) == ("digit-scenes/ss@1", "digit-scenes/ss:symmflow-official@1")
    assert ours.hash != theirs.hash
    plain = [one.model_dump(mode="json") for one in (ours, theirs)]
    assert differing(*plain) == ["policy.ignored classes", "metrics.pixel_accuracy"]
    assert ours.model_copy(update={"name": "another", "rules": rules("sdm")}).hash == ours.hash
