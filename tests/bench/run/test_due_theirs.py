"""The code of other packages counts as ours does: what it made is made again where it changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from symmbench.bench import api
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.sweep import Outcome, sweep
from symmbench.symmflow.plugins import points as points_of

THEIRS = """
from pathlib import Path
import torch
from symmbench.bench.metrics import Metric, Values
from symmbench.methods import Classification, Classify, Foreign, Method
from symmbench.symmflow.errors import InputError

class Zero(Method):
    name, title, tasks, stepless = "zero", "Says zero", (Classify(),), True

    def __init__(self, card):
        self.net, self.card, self.inference = torch.nn.Identity(), card, self.Inference()

    @classmethod
    def network(cls, recipe, card):
        raise InputError("zero knows its answer, and is not trained.")

    @classmethod
    def objective(cls, recipe, card):
        raise InputError("zero knows its answer, and is not trained.")

    @classmethod
    def open(cls, argument, dataset, given, trust=False):
        return Foreign(Path(__file__), "zero", "0" * 64)

    @classmethod
    def load(cls, checkpoint, card, device, inference=None):
        return cls(card)

    def classify(self, images, sampling):
        scores = self.net(torch.zeros(len(images), len(self.card.classes)))
        yield Classification(scores.argmax(dim=1), scores, scale="nothing")

def zeros(evidence, subject):
    samples = evidence.table("samples")
    return Values.of(samples["id"], samples["prediction"] == 0)

ZEROS = Metric(name="zeros", version=1, tasks=("cls",), what="share of zeros", sample=zeros)
"""


def run(request: Request) -> Outcome:
    return sweep(plan(request), request)


def test_code_of_another_package_counts_like_ours(tmp_path: Path, third_party: Any) -> None:
    third_party(THEIRS, methods={"zero": "theirs:Zero"})
    theirs, points = tmp_path / "site" / "theirs.py", next((tmp_path / "site").glob("*/entry_points.txt"))
    request = Request(methods=["zero"], tasks=["cls"], limit=20, out=tmp_path / "r")
    (first,) = run(request).records
    assert {"theirs.py", "symmbench/methods/base.py"} <= first.outputs.files.keys()
    theirs.write_text(f"{THEIRS}\n# a remark\n")
    assert run(request).said == []
    theirs.write_text(THEIRS.replace('scale="nothing"', 'scale="none"'))
    assert run(request).said == ["1 cell is evaluated again: theirs.py changed."]
    points.write_text(f"{points.read_text()}[symmbench.metrics]\nzeros = theirs:ZEROS\n")
    points_of.cache_clear()
    again = run(request)  # a metric that came later is measured on the evidence that there is
    assert again.evaluated == 0 and again.rescored == 1 and "theirs.py" in again.records[0].scoring.files
    assert again.records[0].metrics["zeros"].value == 1.0 and "zeros" not in first.metrics
    points.unlink()
    points_of.cache_clear()
    (block,) = api.compare(tmp_path / "r").blocks
    assert block.warning == "figures of other code (methods:zero not installed here: zero:zero)"
