"""Protocols and what their hash is of."""

from __future__ import annotations

from symmbench.bench.protocols import differing, rules
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request


def test_the_hash_is_of_what_is_measured_not_of_names() -> None:
    asked = [Request(tasks=["ss"], protocol=name, split="validation") for name in ("harness", "symmflow-official")]
    ours, theirs = (plan(one).jobs[0].protocol for one in asked)
    assert (ours.name, theirs.name) == ("digit-scenes/ss@1", "digit-scenes/ss:symmflow-official@1")
    assert ours.hash != theirs.hash
    plain = [one.model_dump(mode="json") for one in (ours, theirs)]
    only = [f"metrics.{name}" for name in ("pixel_accuracy", "mean_f1", "mean_accuracy", "fw_iou")]
    assert differing(*plain) == ["policy.ignored classes", *only]
    assert ours.model_copy(update={"name": "another", "rules": rules("sdm")}).hash == ours.hash
