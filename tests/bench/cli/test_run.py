"""`bench run`: what is refused, cut, killed and gone on with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

RUN = ("run", "-t", "cls", "-d", "two-spirals")


def test_second_run_imports_no_torch_and_says_so(bench: Any, without_torch: Any) -> None:
    first = bench(*RUN, "--steps", "1,2,5", "--json")
    assert first.returncode == 0, first.stderr
    records = json.loads(first.stdout)
    assert [(r["steps"], r["nfe"], r["status"]) for r in records] == [(1, 1, "ok"), (2, 2, "ok"), (5, 5, "ok")]
    wanted = "key status method checkpoint task dataset split steps solver seed n nfe nfe_executed metrics cost"
    assert {*wanted.split(), "protocol", "provenance"} <= set(records[0])
    second = without_torch(*RUN, "--steps", "1,2,5", "--json")
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout) == records and "nothing to evaluate" in second.stderr


def test_unwritable_output_is_refused_before_work(bench: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = bench(*RUN, "--out", "file/results")
    assert done.returncode == 2 and "choose another folder" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_full_disk_loses_nothing(bench: Any, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("cannot mount a small disk here")
    try:
        done = bench(*RUN, "--steps", ",".join(map(str, range(1, 16))), "--out", str(small))
        assert done.returncode == 2 and "free some space" in done.stderr and "Traceback" not in done.stderr
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        again = bench(*RUN, "--steps", "1,2", "--out", str(small), "--json")
        assert again.returncode == 0 and [r["status"] for r in json.loads(again.stdout)] == ["ok", "ok"]
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_killed_run_goes_on_where_it_was(bench: Any, tmp_path: Path) -> None:
    """SIGKILL in the middle of a cell; the same command again evaluates fewer samples and gives the same metrics."""
    asked = [*RUN, "--steps", "100", "--batch-size", "16", "--limit", "1024", "--json"]
    command = [sys.executable, "-m", "symmbench.bench", *asked, "--out", "cut"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("cut/two-spirals/cls/*/evidence-*/samples-*.parquet")):  # the last of a shard's tables
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list(tmp_path.glob("cut/two-spirals/cls/*/record.json"))
    rest, whole = (bench(*asked, "--out", name) for name in ("cut", "whole"))
    evaluated = [int(done.stderr.split("evaluated ")[1].split(" ")[0].replace(",", "")) for done in (rest, whole)]
    assert evaluated[0] < evaluated[1] == 1024
    assert json.loads(rest.stdout)[0]["metrics"] == json.loads(whole.stdout)[0]["metrics"]


def test_inference_options_are_part_of_the_cell_and_checked(bench: Any) -> None:
    for arguments, said in (
        (("--set", "beta=3"), "no method given has options"),
        (("-m", "semflow", "-t", "ss", "--set", "bet=3"), "unknown option 'bet'; did you mean 'beta'?"),
        (("-m", "semflow", "-t", "ss", "--set", "beta=-1"), "greater than or equal to 0"),
        (("-m", "dsm", "-t", "ss", "--solver", "euler"), "dsm has no solver 'euler'"),
        (("-m", "dsm", "-t", "ss", "--steps", "1"), "one step gives no mask"),
    ):
        done = bench("run", *arguments)
        assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr
