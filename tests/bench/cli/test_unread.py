"""A reader of standard output that leaves early changes no exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from symmbench.bench.cli.unread import unread
from symmbench.bench.code import Installed
from symmbench.bench.records import Figure


def test_what_nobody_reads_is_dropped() -> None:
    out, into = os.pipe()
    with os.fdopen(into, "w") as pipe:
        with unread(pipe):
            print("read")
        assert os.read(out, 10) == b"read\n"
        os.close(out)
        with unread(pipe):
            for _ in range(10):
                print("not read" * 10_000, flush=True)
            assert not sys.stdout.isatty()
        pipe.write("nor what is flushed later")


def test_the_gates_verdict_survives_a_pipe(results: Any, tmp_path: Path) -> None:
    stores = [type(results)(tmp_path / name) for name in ("before", "after")]
    code = Installed().code(["symmbench.bench.metrics.classification"])  # a gate refuses results of other code
    own = {"outputs": code, "scoring": code}
    for store, right in zip(stores, (110, 60), strict=True):
        for steps in (1, 5):
            figure = {"accuracy": Figure(value=right / 120)}
            store.add("m", "cls", store.predictions(right), steps=steps, metrics=figure, created=store.root.name, **own)
    bench = f"{sys.executable} -m symmbench.bench"
    gate = f"{bench} gate before after | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", gate], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr == ""
    refused = f"{bench} gate before before 2>&1 | true; exit ${{PIPESTATUS[0]}}"  # nobody reads the reason either
    assert subprocess.run(["bash", "-c", refused], cwd=tmp_path, timeout=120).returncode == 2
