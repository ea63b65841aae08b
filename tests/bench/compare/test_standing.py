"""What a gate refuses to judge, and what tables stamp: figures that say nothing of the code that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from symmbench.bench import api
from symmbench.bench.code import Installed
from symmbench.bench.records import Code, Figure
from symmbench.symmflow.errors import InputError

SOLVERS = Installed().code(["symmbench.symmflow.solvers"])
"""Code that is installed."""
OLD = SOLVERS.model_copy(
    update={"digest": "0", "text": "", "files": SOLVERS.files | {"symmbench/symmflow/solvers.py": "0"}}
)
"""The same as it was before solvers.py changed."""
GONE = Code(digest="1", of=("methods:linear",), files={"linear.py": "1"}, text="1")
"""Of a package that is not installed here."""


@pytest.fixture
def stores(results: Any, tmp_path: Path) -> tuple[Any, Any]:
    return tuple(type(results)(tmp_path / name) for name in ("before", "after"))  # type: ignore[return-value]


def add(store: Any, right: int = 100, **facts: Any) -> None:
    store.add("m", "cls", store.predictions(right), metrics={"accuracy": Figure(value=right / 120)}, **facts)


def test_results_of_the_installed_code_are_judged_and_of_other_code_refused(stores: tuple[Any, Any]) -> None:
    base, ours = stores
    add(base)
    add(ours, outputs=SOLVERS, scoring=SOLVERS)
    assert api.gate(base.root, ours.root).exit_code == 0
    add(base, steps=5)
    add(ours, steps=5, outputs=OLD)
    said = r"'d/cls m steps=5 seed=0' is of other code than is installed \(symmflow/solvers.py changed\); `bench run`"
    with pytest.raises(InputError, match=said):
        api.gate(base.root, ours.root)
    add(base, steps=2)
    add(ours, steps=2, scoring=GONE)
    with pytest.raises(InputError, match=r", as are 1 more cells; `bench run` evaluates it again"):
        api.gate(base.root, ours.root)


def test_old_cells_that_the_baseline_does_not_ask_for_refuse_nothing(stores: tuple[Any, Any]) -> None:
    base, ours = stores
    add(base)
    add(ours)
    add(ours, steps=5, outputs=OLD)
    report = api.gate(base.root, ours.root)
    assert report.exit_code == 0 and "extra" in {check.status for check in report.checks}


def test_the_baselines_own_records_are_refused_and_named_where_others_are_new(stores: tuple[Any, Any]) -> None:
    base, ours = stores
    add(base)
    with pytest.raises(InputError, match="the results are the baseline's own records, which say nothing new"):
        api.gate(base.root, base.root)
    add(base, steps=5)
    add(ours, steps=5, key="new")
    report = api.gate(base.root, base.root, ours.root)
    own = {check.cell: "the baseline's own record" in check.said for check in report.checks}
    assert own == {"d/cls m steps=25 seed=0": True, "d/cls m steps=5 seed=0": False}


def test_a_record_scored_again_is_no_longer_the_baselines_own(stores: tuple[Any, Any]) -> None:
    base, _ = stores
    add(base)
    record = base.cells[0].record
    assert record.is_same(record.model_copy())
    assert not record.is_same(record.model_copy(update={"scoring": SOLVERS}))


def test_a_folder_of_records_that_other_code_scored_is_no_baseline(stores: tuple[Any, Any], tmp_path: Path) -> None:
    """The installed code would read its evidence, and both sides would be wrong alike."""
    base, ours = stores
    add(base, outputs=OLD)  # a baseline may well be of older outputs
    add(ours)
    assert api.gate(base.root, ours.root).exit_code == 0
    add(base, steps=2, status="failed", reason="ValueError: broken", scoring=Code())
    assert [check.said for check in api.gate(base.root, ours.root).checks if check.status == "failed"]
    add(base, steps=5, scoring=OLD)
    add(ours, steps=5)
    with pytest.raises(InputError, match="keep a baseline as a file, saved with the code of its figures"):
        api.gate(base.root, ours.root)
    with pytest.raises(InputError, match=r"\(symmflow/solvers.py changed\).*; `bench run` scores it again"):
        api.save_baseline(tmp_path / "b.zip", base.root)


def test_tables_stamp_rows_of_other_code_and_note_other_libraries(results: Any) -> None:
    add(results, provenance={"packages": {"torch": "0.1", "symmbench": "0.0"}})
    add(results, steps=5, outputs=OLD)
    add(results, steps=5, seed=1)
    add(results, steps=2, outputs=GONE)
    add(results, steps=1, outputs=Code())
    (block, *_) = api.compare(results.root).blocks
    assert block.warning == (
        "figures of other code (made before digests of code were kept: m@1; methods:linear not installed here: m@2; "
        "symmflow/solvers.py changed: m@5)"
    )
    (note,) = [line for line in block.notes if line.startswith("other libraries")]
    assert note.startswith("other libraries since: torch 0.1 is now ") and note.endswith(" (m@25).")
    assert "symmbench" not in note
