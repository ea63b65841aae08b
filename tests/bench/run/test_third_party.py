"""Broken parts of another package: named with their reasons, and nobody else's trouble."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from symmbench.bench import api

CODE = """
from symmbench.bench.judges import Judge
from symmbench.bench.metrics import Metric, Missing
from symmbench.datasets import DataSet
from symmbench.methods import Method

def raises(*given):
    raise KeyError("nothing there")

BAD = Metric(name="bad", tasks=("cls",), what="raises", sample=raises)
ODD = Metric(name="odd", tasks=(), what="of no task", sample=raises)
USURPER = Metric(name="accuracy", tasks=("cls",), what="a namesake", sample=lambda *given: Missing("usurped"))

class Naked(DataSet):
    def manifest(self, split, root): ...
    def load(self, split, root): ...

class Roleless(Judge):
    name = "roleless"
    def find(self, card): ...
    def load(self, found, card, device): ...

class Bare(Method):
    name = "bare"

class Raising(Method):
    name, title, tasks = "raising", "Raises", ("classify",)

NAKED, ROLELESS = Naked(), Roleless()
"""


def listed(kind: str, column: str) -> dict[str, Any]:
    return {row[next(iter(row))]: row[column] for row in api.inventory(kind)}


def test_broken_parts_of_others_are_named_and_break_nothing(third_party: Any, tmp_path: Path) -> None:
    third_party(
        CODE,
        metrics={"bad": "theirs:BAD", "odd": "theirs:ODD", "accuracy": "theirs:USURPER", "missing": "nowhere:X"},
        datasets={"naked": "theirs:NAKED"},
        judges={"roleless": "theirs:ROLELESS"},
        methods={"bare": "theirs:Bare", "raising": "theirs:Raising", "gone": "theirs:Gone"},
    )
    said, support = listed("methods", "what"), listed("support", "cls")
    assert "has no title, or a wrong one; mend the package" in said["bare"] and said["symmflow"]
    assert "has tasks that are no Classify" in said["raising"] and "cannot be imported: AttributeError" in said["gone"]
    assert support["bare"] == "broken" and support["cnn"] == "once"
    assert "data set 'naked' (theirs:NAKED) has no card, or a wrong one" in listed("datasets", "get")["naked"]
    assert "has no role, or a wrong one" in listed("judges", "what")["roleless"]
    known = listed("metrics", "what")
    assert "cannot be imported" in known["missing"] and known["odd"] == "of no task"
    assert known["accuracy"] == "share of right classes"  # ours, not the namesake

    for _ in range(2):
        (record,) = api.run(methods="cnn", tasks="cls", limit=6, out=tmp_path / "r", device="cpu")
    assert set(record.metrics) == {"accuracy", "top5", "brier", "ece"}
    assert record.absent == {"bad": "it breaks with KeyError: 'nothing there' (theirs.py, line 8)"}
    assert list(api.compare(tmp_path / "r").tables[0].metrics) == list(record.metrics)
    assert api.rescore(tmp_path / "r").made[0].changed == {}
