"""One evaluation by several processes: ranks of a launch and parts of a job array give the evidence of one process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from symmbench.bench.records import evidence, provenance
from symmbench.bench.records import whole as whole_evidence
from symmbench.bench.run import cost, evaluate
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.share import Share
from symmbench.bench.run.sweep import Outcome, Progress, sweep
from symmbench.symmflow.errors import InputError

SPIRALS = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1, 2], limit=600, device="cpu", workers=0)
"""Three shards, of two cells."""


def run(request: Request, share: Share | None = None, progress: Progress | None = None) -> Outcome:
    return sweep(plan(request), request, progress, share)


def parts(request: Request, count: int) -> list[Outcome]:
    """Every part, the last one first."""
    return [run(request, Share(part=number, parts=count)) for number in range(count, 0, -1)]


def tables(store: Path) -> dict[str, bytes]:
    """Every table of evidence in a store, byte for byte, of the real images too."""
    return {str(path.relative_to(store)): path.read_bytes() for path in sorted(store.rglob("*.parquet"))}


def makers(store: Path) -> Counter[str]:
    """Batches by the share that made them."""
    files = sorted(store.glob("*/*/*/evidence-*/timing-*.json"))
    return Counter(batch["share"] for file in files for batch in json.loads(file.read_text()))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """By one process; not to change."""
    out = tmp_path_factory.mktemp("whole")
    return out, run(replace(SPIRALS, out=out))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_parts_merge_to_the_evidence_of_one_process(whole: tuple[Path, Outcome], tmp_path: Path, count: int) -> None:
    out, known = whole
    asked = replace(SPIRALS, out=tmp_path)
    made = parts(asked, count)
    assert sum(one.evaluated for one in made) == 1200 and not any(one.cells for one in made)
    assert not list(tmp_path.rglob("record.json"))
    own = 3 // count + (3 % count > 0)
    one = f"part 1/{count}: shards made: {own} of {own};"
    assert made[-1].said[-1].startswith(one) and "without --part" in made[-1].said[-1]
    gathered = run(asked)
    assert gathered.evaluated == 0 and gathered.reused == 0
    assert tables(tmp_path) == tables(out) and tables(out)
    assert [r.metrics for r in gathered.records] == [r.metrics for r in known.records]
    assert gathered.records[0].provenance["shares"] == [f"part {n}/{count}" for n in range(1, count + 1)]
    (again,) = parts(asked, 1)
    assert again.evaluated == 0 and again.said == ["part 1/1: nothing to make; every cell is in the store."]


def test_a_store_merged_by_copying_and_a_part_that_never_ran(whole: tuple[Path, Outcome], tmp_path: Path) -> None:
    """Of three parts, each into a store of its own, the second is lost: the gathering run makes it."""
    out, _ = whole
    for number in (1, 3):
        run(replace(SPIRALS, out=tmp_path / f"{number}"), Share(part=number, parts=3))
        shutil.copytree(tmp_path / f"{number}", tmp_path / "all", dirs_exist_ok=True)
    assert run(replace(SPIRALS, out=tmp_path / "all")).evaluated == 2 * 256
    assert tables(tmp_path / "all") == tables(out)


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight samples a shard."""
    for module in (evaluate, evidence, whole_evidence):
        monkeypatch.setattr(module, "SHARD", 8)


@pytest.mark.usefixtures("small_shards")
def test_an_adaptive_solver_by_two_parts(tmp_path: Path) -> None:
    asked = replace(SPIRALS, solver="dopri5", limit=20, batch_size=4)
    run(replace(asked, out=tmp_path / "whole"))
    parts(replace(asked, out=tmp_path / "parts"), 2)
    assert run(replace(asked, out=tmp_path / "parts")).evaluated == 0
    assert tables(tmp_path / "parts") == tables(tmp_path / "whole")


@pytest.mark.usefixtures("small_shards")
def test_several_syntheses_a_mask_and_the_real_images_by_two_parts(untrained_scenes: Path, tmp_path: Path) -> None:
    asked = Request(
        checkpoint=str(untrained_scenes),
        tasks=["sis"],
        datasets=["digit-scenes"],
        steps=[1],
        limit=20,
        batch_size=4,
        samples_per_mask=2,
        device="cpu",
    )
    known = run(replace(asked, out=tmp_path / "whole"))
    parts(replace(asked, out=tmp_path / "parts"), 2)
    real = list((tmp_path / "parts/protocols").rglob("samples-*.parquet"))
    assert len(real) == 3  # each part looked at its own
    gathered = run(replace(asked, out=tmp_path / "parts"))
    assert gathered.evaluated == 0 and gathered.records[0].metrics == known.records[0].metrics
    assert tables(tmp_path / "parts") == tables(tmp_path / "whole")


def _swap(folder: Path) -> None:
    shutil.copy(folder / "samples-00000.parquet", folder / "samples-00001.parquet")


def _twice(folder: Path) -> None:
    table = pd.read_parquet(folder / "samples-00001.parquet")
    pd.concat([table, table.tail(3)]).to_parquet(folder / "samples-00001.parquet")


def _short(folder: Path) -> None:
    pd.read_parquet(folder / "samples-00001.parquet").head(255).to_parquet(folder / "samples-00001.parquet")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_swap, "test-00256 is missing, like 255 more; test-00000 belongs to another shard, like 255 more"),
        (_twice, "test-00509 has not 1 row, like 2 more"),
        (_short, "test-00511 is missing"),
    ],
)
def test_a_sample_that_is_there_twice_or_not_is_refused_by_its_shard(
    whole: tuple[Path, Outcome], tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    out, _ = whole
    shutil.copytree(out, tmp_path / "r")
    for record in (tmp_path / "r").rglob("record.json"):
        record.unlink()
    damage(sorted((tmp_path / "r").glob("*/*/*/evidence-*"))[0])
    with pytest.raises(InputError) as refused:
        run(replace(SPIRALS, out=tmp_path / "r"))
    assert f"samples-00001.parquet does not hold its samples once ({said})" in str(refused.value)
    assert "remove it and run the cell again" in str(refused.value)


LAUNCHED = """
import sys
import torch.distributed as dist
from symmbench.bench.cli import main
from symmbench.bench.run.evaluate import Evaluator
dist.init_process_group("gloo")
assert dist.get_world_size() == 2
batches, met = Evaluator.batches, []

def together(self, *given, **named):
    if not met:
        met.append(dist.barrier())
    return batches(self, *given, **named)

Evaluator.batches = together
main(sys.argv[1:])
"""
"""Both processes begin their first shard at once, when each has taken one."""


def test_two_processes_of_a_launch(whole: tuple[Path, Outcome], tmp_path: Path) -> None:
    script = tmp_path / "launched.py"
    script.write_text(LAUNCHED)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    asked = ["run", "-t", "cls", "-d", "two-spirals", "--steps", "1,2", "--limit", "600", "--device", "cpu"]
    done = subprocess.run(
        [*launch, str(script), *asked, "--json", "--out", "r"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    records = json.loads(done.stdout)  # printed once
    out, known = whole
    assert [r["metrics"] for r in records] == [json.loads(r.model_dump_json())["metrics"] for r in known.records]
    assert tables(tmp_path / "r") == tables(out)
    assert done.stderr.count("2 processes share 3 shards of up to 256 samples.") == 1
    assert makers(tmp_path / "r").keys() == {"process 1 of 2", "process 2 of 2"}
    assert records[0]["provenance"]["shares"] == ["process 1 of 2", "process 2 of 2"]


DIES = """
import os, signal, sys, time
from pathlib import Path
from symmbench.bench.cli import main
from symmbench.bench.run.evaluate import Evaluator

made, rank = Evaluator.batches, int(os.environ["RANK"])

def batches(self, *given):
    for count, batch in enumerate(made(self, *given)):
        yield batch
        if count == 1:
            Path(f"busy-{rank}").touch()
            while not all(Path(f"busy-{one}").exists() for one in range(2)):
                time.sleep(0.01)
            if rank:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)

Evaluator.batches = batches
main(sys.argv[1:])
"""
"""Once both processes have two batches of their first shard, the second is killed."""


def test_a_killed_process_of_a_launch_ends_all_and_the_same_command_goes_on(
    whole: tuple[Path, Outcome], tmp_path: Path
) -> None:
    (tmp_path / "dies.py").write_text(DIES)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    asked = ["run", "-t", "cls", "-d", "two-spirals", "--steps", "1,2", "--limit", "600", "--device", "cpu"]

    def launched(*program: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*launch, *program, *asked, "--batch-size", "64", "--out", "r"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=300,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    cut = launched("dies.py")
    assert cut.returncode and not list(tmp_path.rglob("record.json"))
    kept = "interrupted: 0 of 2 cells are finished and kept in r, and 256 samples of what is unfinished; the same"
    assert kept in cut.stderr  # two batches of 64 in either cell, of the process that was asked to stop
    done = launched("-m", "symmbench.bench")
    assert done.returncode == 0, done.stderr
    assert "evaluated" in done.stderr and "2 cells; 0 were in r" in done.stderr
    assert tables(tmp_path / "r") == tables(whole[0])
    files = sorted((tmp_path / "r").glob("*/*/*/evidence-*/timing-00000.json"))
    assert [len(json.loads(file.read_text())) for file in files] == [4, 4]  # of which two were kept
    again = launched("-m", "symmbench.bench")
    assert again.returncode == 0 and "nothing to evaluate" in again.stderr + again.stdout


def test_a_rank_without_what_it_needs_leaves_its_shards_to_the_first(bench: Any, tmp_path: Path) -> None:
    """A launcher would end all with one that ends otherwise."""
    asked = ("run", "-t", "cls", "-d", "two-spirals", "--steps", "1", "--limit", "300")
    last = bench(*asked, "--device", "cuda:99", RANK="1", WORLD_SIZE="2")
    assert last.returncode == 0 and last.stderr.startswith("failed: process 2 of 2: device cuda:99 is not on this")
    assert bench(*asked, "--device", "cuda:99", RANK="0", WORLD_SIZE="2").returncode == 2
    first = bench(*asked, "--device", "cpu", RANK="0", WORLD_SIZE="2")
    assert first.returncode == 0 and set(makers(tmp_path / "results")) == {"process 1 of 2"}


def test_a_killed_process_costs_its_shard(whole: tuple[Path, Outcome], tmp_path: Path) -> None:
    """Of three, the second is killed in its second cell-shard; the first makes that, and what else there is."""

    class Killed(Progress):
        images = 0

        def advance(self, images: int) -> None:
            self.images += images
            if self.images > 512:  # of two cells at once
                os.kill(os.getpid(), signal.SIGKILL)

    asked, planned = replace(SPIRALS, out=tmp_path), plan(SPIRALS)
    child = os.fork()
    if not child:
        sweep(planned, asked, Killed(), Share(rank=1, world=3))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert len(list(tmp_path.rglob("samples-*.parquet"))) == 2  # its own shard, in both cells
    outcome = run(asked, Share(rank=0, world=3))
    assert outcome.evaluated == 1200 - 512 and [r.status for r in outcome.records] == ["ok", "ok"]
    assert tables(tmp_path) == tables(whole[0])


def test_a_rank_makes_what_nobody_makes_and_says_nothing(bench: Any, tmp_path: Path) -> None:
    asked = ("run", "-t", "cls", "-d", "two-spirals", "--steps", "1", "--limit", "300", "--device", "cpu")
    last = bench(*asked, RANK="3", WORLD_SIZE="4", LOCAL_RANK="3")
    assert (last.returncode, last.stdout, last.stderr) == (0, "", "")
    assert not list(tmp_path.rglob("record.json")) and set(makers(tmp_path / "results")) == {"process 4 of 4"}
    first = bench(*asked, RANK="0", WORLD_SIZE="4")
    assert first.returncode == 0 and "two-spirals/cls@1" in first.stdout
    assert "4 processes share 2 shards of up to 256 samples; 2 of them have none." in first.stderr
    assert "gathered 1 cells; 0 were in results." in first.stderr
    late = bench(*asked, RANK="1", WORLD_SIZE="4")
    assert (late.returncode, late.stdout, late.stderr) == (0, "", "")


def test_jobs_of_one_shard_are_spread_over_the_parts(tmp_path: Path) -> None:
    asked = replace(SPIRALS, limit=8, seeds=[0, 1, 2], steps=[1], out=tmp_path)
    made = [run(asked, Share(part=number, parts=4)) for number in (1, 2, 3, 4)]
    assert [one.evaluated for one in made] == [8, 8, 8, 0]
    assert made[3].said[0] == "4 parts share 3 shards of up to 256 samples; 1 of them have none."


def test_force_cannot_be_shared(bench: Any) -> None:
    for done in (bench("run", "--force", "--part", "1/2"), bench("run", "--force", RANK="1", WORLD_SIZE="2")):
        assert done.returncode == 2 and "give a new folder with --out" in done.stderr
    assert Share.of(None, True, {"RANK": "0", "WORLD_SIZE": "1"}).alone


def test_parts_agree_on_what_other_libraries_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--fresh`: no part begins another evaluation than the first did, and once gathered there is nothing to do."""
    asked = replace(SPIRALS, steps=[1], limit=300, out=tmp_path)
    run(asked)
    known = provenance.versions()
    monkeypatch.setattr(provenance, "versions", lambda: {**known, "torch": "99.0"})
    fresh = replace(asked, fresh=True)
    assert [one.evaluated for one in parts(fresh, 2)] == [44, 256]
    assert len(list(tmp_path.rglob("evidence-*"))) == 2  # the old one stands until there is a new one
    assert run(replace(asked, keep_old=True)).evaluated == 0
    gathered = run(fresh)
    assert gathered.evaluated == 0 and len(list(tmp_path.rglob("evidence-*"))) == 1
    assert gathered.records[0].provenance["packages"]["torch"] == "99.0"
    assert [one.evaluated for one in parts(fresh, 2)] == [0, 0]


def test_a_part_made_with_other_libraries_is_not_mixed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, known = replace(SPIRALS, steps=[1], limit=300, out=tmp_path), provenance.versions()
    with monkeypatch.context() as here:
        here.setattr(provenance, "versions", lambda: {**known, "torch": "99.0"})
        run(asked, Share(part=1, parts=2))
    run(asked, Share(part=2, parts=2))
    assert len(list(tmp_path.rglob("evidence-*"))) == 2  # parts leave alone what the others made
    outcome = run(asked)
    assert outcome.said == ["1 cell has unfinished evidence by other code or libraries than are here: evaluated anew."]
    assert outcome.evaluated == 256 and outcome.records[0].provenance["shares"] == ["part 2/2"]


def test_what_fails_in_a_part_is_left_to_the_run_that_gathers(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from symmbench.methods.discriminative import CNNClassifier

    def broken(*given: object) -> None:
        raise RuntimeError("on fire")

    asked = ("run", "-m", "cnn", "-t", "cls", "--limit", "8")
    with monkeypatch.context() as here:
        here.setattr(CNNClassifier, "classify", broken)
        part, rank = bench(*asked, "--part", "1/2"), bench(*asked, RANK="1", WORLD_SIZE="2")
    assert part.returncode == 1 and rank.returncode == 0  # a launcher would end the first process, which records it
    assert "failed: part 1/2: digits cls cnn: cnn breaks with RuntimeError: on fire" in part.stderr
    assert rank.stderr.startswith("failed: process 2 of 2: digits cls cnn: cnn breaks with RuntimeError: on fire")
    assert "part 1/2: shards made: 0 of 1;" in part.stderr and not list(tmp_path.rglob("record.json"))
    done = bench(*asked, "--part", "1/2", "--json")
    assert done.returncode == 0 and json.loads(done.stdout) == [] and "shards made: 1 of 1" in done.stderr
    assert bench(*asked).returncode == 0


def test_unlike_machines_are_told_and_their_speeds_not_mixed(whole: tuple[Path, Outcome], tmp_path: Path) -> None:
    out, known = whole
    shutil.copytree(out, tmp_path / "r")
    for record in (tmp_path / "r").rglob("record.json"):
        record.unlink()
    for file in (tmp_path / "r").glob("*/*/*/evidence-*/timing-00000.json"):
        batches = [b | {"device": "cuda:1", "seconds": 1e6} for b in json.loads(file.read_text())]
        batches = [b | {"machine": b["machine"] | {"gpu": "Big GPU"}} for b in batches]
        file.write_text(json.dumps(batches))
    outcome = run(replace(SPIRALS, out=tmp_path / "r"))
    cpu, threads = (known.records[0].provenance[name] for name in ("cpu", "threads"))
    mine, theirs = f"cpu {cpu}, {threads} thread{'s' if threads > 1 else ''}", f"cuda Big GPU, {threads} thread"
    record = outcome.records[0]
    assert [(name.startswith(one), n) for (name, n), one in zip(
        record.provenance["machines"].items(), (mine, theirs), strict=True
    )] == [(True, 6), (True, 4)]  # fmt: skip
    assert record.cost and record.cost.device == "cpu" and record.cost.timed_batches == 6
    assert record.cost.images_per_second and record.cost.images_per_second > 1 and "gpu" not in record.provenance
    assert outcome.said[-1].startswith(f"2 cells were evaluated on unlike machines ({mine} and {theirs}")


def test_a_speed_tells_the_processes_beside_it(tmp_path: Path) -> None:
    asked = replace(SPIRALS, steps=[1], limit=300, out=tmp_path)
    (record,) = run(asked, Share(rank=0, world=2, local_world=2)).records
    assert record.provenance["processes"] == 2
    (file, *_) = tmp_path.rglob("timing-00000.json")
    assert cost.made_on(json.loads(file.read_text())[0]).endswith("2 processes on its machine")
