"""The papers' tables as data: every figure of the CSV stands in its table, once."""

from __future__ import annotations

import pytest

from symmbench.reports.papers import names, paper
from symmbench.reports.published import published
from symmbench.symmflow.errors import InputError

# as the papers print their last rows, read by hand from the papers
LAST = {
    "symmflow-table-1": [1.0, 0.92, 0.87, 0.836, 0.826, 0.82],
    "symmflow-table-2": [0.693, 0.396, 11.9, 0.464, 7.0, 0.609],
    "symmflow-table-3": [0.996, 0.906],
    "symmflow-table-4": [0.777, 0.758, 0.704, 0.652, 0.616, 0.609],
    "symmflow-table-5": [0.293, 0.338, 0.381, 0.389, 0.401, 0.396],
    "symmflow-table-6": [0.882, 0.523, 0.635, 0.749, 0.894, 0.906],
    "semflow-table-1": [0.386, 32.6, 0.393],
    "semflow-table-2": [0.283, 0.31, 0.369, 0.384, 0.386, 0.384, 0.383, 0.383],
}


@pytest.mark.parametrize("name", names())
def test_a_table_holds_every_figure_of_its_paper_once(name: str) -> None:
    table = paper(name)
    found = [p for row in table.rows for column in table.columns if (p := table.at(row, column))]
    assert sorted(map(str, found)) == sorted(map(str, table.figures)) and found
    for line in (*table.rows, *table.columns):
        others = table.columns if line in table.rows else table.rows
        both = [table.at(line, o) if line in table.rows else table.at(o, line) for o in others]
        assert any(both), f"{name}: {line.head} is empty"


def test_no_figure_is_in_no_table_and_last_rows_are_as_printed() -> None:
    known = {(t.source, t.table) for t in map(paper, names())}
    assert {(p.source, p.table) for p in published()} == known and set(LAST) == set(names())
    for name, values in LAST.items():
        table = paper(name)
        printed = [table.at(table.rows[-1], column) for column in table.columns]
        assert [p.value for p in printed if p] == pytest.approx(values)


def test_an_unknown_table_is_refused_with_all_names() -> None:
    with pytest.raises(InputError) as refused:
        paper("symmflow-table-9")
    assert all(name in str(refused.value) for name in names())
