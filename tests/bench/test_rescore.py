"""Figures from stored evidence are those of the run, without a network."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd

from symmbench.bench.records.record import Store

SCRIPT = """
import sys
from symmbench.bench.cli import main
sys.argv = ["bench", *sys.argv[1:]]
try:
    main()
finally:
    assert "torch" not in sys.modules, "torch was imported"
"""


def rescore(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT, "rescore", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def test_rescoring_gives_the_same_figures_and_finds_what_changed(bench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    asked = ("--steps", "1", "--limit", "40", "--samples-per-mask", "2")
    assert bench("run", "-t", "cls,ss,sis", "-d", "digits,digit-scenes", *asked).returncode == 0
    done = rescore(tmp_path)
    assert done.returncode == 0 and "4 cells: 0 changed, 4 identical" in done.stdout, done.stdout + done.stderr
    ((record, folder),) = [s for s in Store(tmp_path / "results").items() if s[0].task == "cls"]
    file = folder / "evidence" / "predictions-00000.parquet"
    import pyarrow.parquet as parquet

    meta = parquet.read_table(file).schema.metadata
    table = pd.read_parquet(file)
    table.loc[0, "prediction"] = (table.loc[0, "label"] + 1) % 10
    import pyarrow

    parquet.write_table(pyarrow.Table.from_pandas(table).replace_schema_metadata(meta), file)
    done = rescore(tmp_path, "--write")
    before = record.metrics["accuracy"].value
    after = round(before * 40 - 1) / 40
    assert re.search(rf"accuracy: {before} \[.*\] -> {after} \[", done.stdout), done.stdout
    assert "1 changed and were written" in done.stdout
    assert "0 changed, 4 identical" in rescore(tmp_path).stdout
    file.unlink()
    done = rescore(tmp_path)
    assert done.returncode == 2 and "3 cells: 0 changed, 3 identical, 1 left out" in done.stdout


def test_rescoring_nothing_is_said(tmp_path: Path) -> None:
    done = rescore(tmp_path)
    assert done.returncode == 2 and "there is no results folder" in done.stderr
