"""Tidy tables as files: the same values come back, and no cell is a formula."""

from __future__ import annotations

import io
import json

import pandas as pd
import pyarrow.parquet as parquet
import pytest

from symmbench.reports.frames import to_csv, to_json, to_parquet

FRAME = pd.DataFrame(
    {
        "name": pd.Series(["plain", 'a,b;"c"', None], dtype="string"),
        "steps": pd.Series([1, None, 2**53 + 1], dtype="Int64"),
        "value": pd.Series([-0.1 - 0.2, 1e-300, None], dtype="float64"),
    }
)
WHAT = {"name": "what it is called", "steps": "how many", "value": "a number"}


def test_numbers_stay_numbers_to_the_bit() -> None:
    again = pd.read_csv(io.StringIO(to_csv(FRAME)), dtype=FRAME.dtypes.to_dict())
    pd.testing.assert_frame_equal(again, FRAME, check_exact=True)
    assert to_csv(FRAME).splitlines()[1] == "plain,1,-0.30000000000000004"


@pytest.mark.parametrize(
    "start", ["=cmd|'/c calc'!A0", "+1+2", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\n@x"]
)
def test_a_text_that_begins_like_a_formula_is_text(start: str) -> None:
    text = to_csv(pd.DataFrame({"name": pd.Series([start], dtype="string"), "value": [-1.5]}))
    (row,) = pd.read_csv(io.StringIO(text), dtype={"name": "string"}).to_dict("records")
    assert row["name"].startswith("'") and row["value"] == -1.5


def test_a_text_keeps_to_its_line_and_steers_nothing() -> None:
    text = to_csv(pd.DataFrame({"name": pd.Series(["a\n=b\x1b[31m"], dtype="string")}))
    assert text == "name\na =b\\u001b[31m\n"


def test_json_tells_what_its_columns_are() -> None:
    found = json.loads(to_json(FRAME, WHAT))
    assert found["columns"] == WHAT and found["rows"][0] == {"name": "plain", "steps": 1, "value": -0.1 - 0.2}
    assert found["rows"][2] == {"name": None, "steps": 2**53 + 1, "value": None}


def test_parquet_keeps_kinds_and_descriptions() -> None:
    content = io.BytesIO(to_parquet(FRAME, WHAT))
    pd.testing.assert_frame_equal(pd.read_parquet(content), FRAME, check_exact=True)
    told = {field.name: field.metadata[b"description"].decode() for field in parquet.read_schema(content)}
    assert told == WHAT
