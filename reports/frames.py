"""Tidy tables as files: CSV, JSON and Parquet, each with the same values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..symmflow.names import printable

if TYPE_CHECKING:
    import pandas as pd

FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
"""With what a spreadsheet begins a formula, in full width too (OWASP, "CSV Injection")."""


def to_csv(frame: pd.DataFrame) -> str:
    """With a line of names; what is missing is empty. Numbers are written so that they read back to the bit.

    A text that a spreadsheet would take for a formula gets an apostrophe in front, as OWASP advises, and a text of
    several lines becomes one.
    """
    from pandas.api.types import is_string_dtype

    shown = frame.copy()
    for name in shown:
        if is_string_dtype(shown[name].dtype):
            shown[name] = shown[name].map(_harmless, na_action="ignore")
    return str(shown.to_csv(index=False, lineterminator="\n"))


def to_json(frame: pd.DataFrame, what: Mapping[str, str]) -> str:
    """`{"columns": {name: what it is}, "rows": [{name: value}]}`, a row a line; what is missing is null."""
    rows = [json.dumps({name: _plain(value) for name, value in row.items()}) for row in frame.to_dict("records")]
    lines = ",\n".join(rows)
    return f'{{"columns": {json.dumps(dict(what), indent=2)},\n"rows": [\n{lines}\n]}}\n'


def to_parquet(frame: pd.DataFrame, what: Mapping[str, str]) -> bytes:
    """Each column with its `description` among the metadata of its field."""
    import pyarrow
    import pyarrow.parquet as parquet

    table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    fields = [field.with_metadata({"description": what[field.name]}) for field in table.schema]
    told = pyarrow.Table.from_arrays(table.columns, schema=pyarrow.schema(fields, table.schema.metadata))
    buffer = BytesIO()
    parquet.write_table(told, buffer, compression="zstd")
    return buffer.getvalue()


def _harmless(text: str) -> str:
    line = printable(" ".join(text.splitlines()))
    return f"'{line}" if FORMULA.match(line) else line


def _plain(value: Any) -> Any:
    import pandas as pd

    return None if pd.isna(value) else value
