"""The command line as a user meets it: another process."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUN = ("run", "-t", "cls", "-d", "two-spirals")


def without_torch(arguments: list[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command line in a process that fails if torch was imported by its end."""
    code = (
        "import sys\nfrom symmbench.bench.cli import main\n"
        f"sys.argv = ['bench', *{arguments!r}]\n"
        "try:\n    main()\nfinally:\n    assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)


def test_help_is_quick_and_imports_no_torch() -> None:
    done = without_torch(["--help"])
    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in ("run", "train", "sample", "compare", "list", "data"))


def test_second_run_imports_no_torch_and_says_so(bench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first = bench(*RUN, "--steps", "1,2,5", "--json")
    assert first.returncode == 0, first.stderr
    records = json.loads(first.stdout)
    assert [(r["steps"], r["nfe"], r["status"]) for r in records] == [(1, 1, "ok"), (2, 2, "ok"), (5, 5, "ok")]
    wanted = "key status method checkpoint task dataset split steps solver seed n nfe nfe_executed metrics cost"
    assert {*wanted.split(), "protocol", "provenance"} <= set(records[0])
    second = without_torch([*RUN, "--steps", "1,2,5", "--json"], tmp_path)
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout) == records and "nothing to evaluate" in second.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*RUN, "--steps", "0"), "0 is less than 1"),
        ((*RUN, "--steps", "2.5"), "'2.5' is no whole number"),
        ((*RUN, "--steps", "1,,5"), "an item is empty"),
        ((*RUN, "--steps", "1,--5"), "'--5' is no whole number"),
        ((*RUN, "--seeds", "x"), "'x' is no whole number"),
        (("run", "-m", "symflow"), "did you mean 'symmflow'"),
        (("run", "--stepz", "1"), "No such option: --stepz"),
        (("rum",), "No such command 'rum'"),
        (
            ("run", "-d", "mnist", "-t", "cls", "--data-root", "."),
            "does not hold mnist; it needs train-images-idx3-ubyte[.gz]",
        ),
        (("train", "--recipe", "mnist/symmflo"), "did you mean 'mnist/symmflow'"),
        (("train", "--recipe", "digits/cnn", "--set", "optimizer.lr=fast"), "optimizer.lr"),
        (("run", "--checkpoint", "runs/my ckpt"), "hub gives no repository"),
        (("sample", "-d", "digits", "-m", "cnn", "-t", "cls", "-n", "1", "-o", "."), "is a folder; name a file"),
        (("train", "--recipe", "two-spirals/symmflow", "--set", "data.shift=1"), "remove it from a recipe for points"),
        (("train", "--recipe", "two-spirals/symmflow", "--set", "train.seed=-1"), "train.seed"),
        (("compare", "nothing-here"), "there is no results folder"),
        (("data", "get", "inceptionn"), "did you mean 'inception'"),
        (("list", "things"), "things"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_two(bench, arguments: tuple[str, ...], said: str) -> None:  # type: ignore[no-untyped-def]
    done = bench(*arguments)
    assert done.returncode == 2 and said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_debug_shows_the_traceback(bench) -> None:  # type: ignore[no-untyped-def]
    done = bench("run", "-m", "symflow", "--debug")
    assert done.returncode == 2 and "Traceback" in done.stderr and "did you mean" in done.stderr


def test_unwritable_output_is_refused_before_work(bench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "file").write_text("")
    done = bench(*RUN, "--out", "file/results")
    assert done.returncode == 2 and "choose another folder" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_full_disk_loses_nothing(bench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
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


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    """SIGKILL in the middle of a cell; the same command again evaluates fewer samples and gives the same metrics."""
    command = [sys.executable, "-m", "symmbench.bench", *RUN, "--steps", "200", "--batch-size", "16", "--json"]
    process = subprocess.Popen(
        [*command, "--out", "cut"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("cut/two-spirals/cls/*/evidence/*.parquet"))) < 2:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list(tmp_path.glob("cut/two-spirals/cls/*/record.json"))
    rest = subprocess.run([*command, "--out", "cut"], cwd=tmp_path, capture_output=True, text=True, check=True)
    whole = subprocess.run([*command, "--out", "whole"], cwd=tmp_path, capture_output=True, text=True, check=True)
    evaluated = [int(r.stderr.split("evaluated ")[1].split(" ")[0].replace(",", "")) for r in (rest, whole)]
    assert evaluated[0] < evaluated[1] == 2000
    assert json.loads(rest.stdout)[0]["metrics"] == json.loads(whole.stdout)[0]["metrics"]


def test_train_then_run_then_compare_then_sample(bench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    small = ["--set", "network.channels=16", "--set", "train.batch=8"]
    done = bench("train", "--recipe", "digits/symmflow", "--max-steps", "3", *small, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert "3 steps of 12000" in done.stdout
    folder = "runs/digits/symmflow"
    done = bench("run", "-t", "cls,sis", "-d", "digits", "--checkpoint", folder, "--steps", "1,2", "--limit", "30")
    assert done.returncode == 0 and "accuracy" in done.stdout, done.stderr
    done = bench("compare", "--format", "md", "--plot", "steps.png")
    assert done.returncode == 0 and re.search(r"\| symmflow \| 0\.\d\dM \| 2 \| 2 \|", done.stdout), done.stderr
    assert (tmp_path / "steps.png").read_bytes().startswith(b"\x89PNG")
    done = bench("compare", "--task", "cls", "--json")
    assert [row["steps"] for row in json.loads(done.stdout)["tables"][0]["rows"]] == [1, 2]
    done = bench("sample", "-d", "digits", "--checkpoint", folder, "--steps", "1,2", "-n", "3", "-o", "s.png")
    assert done.returncode == 0 and (tmp_path / "s.png").stat().st_size > 1000, done.stderr


def test_two_processes_train_what_one_trains(bench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from safetensors.torch import load_file

    arguments = ["train", "-r", "digits/symmflow", "--set", "train.batch=16", "--set", "network.channels=16"]
    arguments += [
        "--set",
        "network.dropout=0.0",
        "--set",
        "train.precision=fp32",
        "--max-steps",
        "3",
        "--device",
        "cpu",
    ]
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "-m", "symmbench.bench"]
    done = subprocess.run([*launch, *arguments, "-o", "two"], cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert bench(*arguments, "-o", "one").returncode == 0
    assert json.loads((tmp_path / "two/checkpoint/checkpoint.json").read_text())["training"]["processes"] == 2
    one, two = (load_file(tmp_path / name / "checkpoint" / "weights.safetensors") for name in ("one", "two"))
    assert all((one[k].float() - two[k].float()).abs().max() < 1e-3 for k in one)


@pytest.mark.parametrize("kind", ["methods", "datasets", "recipes", "metrics"])
def test_lists(bench, kind: str) -> None:  # type: ignore[no-untyped-def]
    assert len(json.loads(bench("list", kind, "--json").stdout)) >= 3
    assert bench("list", kind).returncode == 0


def test_compare_prints_the_papers_row(bench) -> None:  # type: ignore[no-untyped-def]
    bench(*RUN, "--steps", "1,50", "--limit", "200")
    done = bench("compare", "--format", "md")
    rows = [line for line in done.stdout.splitlines() if line.startswith("| symmflow")]
    assert "| 100.0 |" in rows[0] and "| 82.0 |" in rows[1]


@pytest.mark.slow
def test_real_mnist_trains_and_runs(bench, real_mnist: Path) -> None:  # type: ignore[no-untyped-def]
    _train_and_run(bench, "mnist", ["--data-root", str(real_mnist)])


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/usr/share/datasets/fashion-mnist").is_dir(), reason="Debian's dataset-fashion-mnist is not installed"
)
def test_real_fashion_mnist_trains_and_runs(bench) -> None:  # type: ignore[no-untyped-def]
    _train_and_run(bench, "fashion-mnist", [])


def _train_and_run(bench, dataset: str, root: list[str]) -> None:  # type: ignore[no-untyped-def]
    """The papers' recipe on the real images; a smaller batch and fewer steps, for two cores."""
    small = ["--set", "train.batch=16", "--set", "train.accumulate=1"]
    done = bench("train", "--recipe", f"{dataset}/symmflow", "--max-steps", "2", *small, *root)
    assert done.returncode == 0, done.stderr
    chosen = ["-t", "cls,sis", "-d", dataset, "--checkpoint", f"runs/{dataset}/symmflow"]
    done = bench("run", *chosen, "--limit", "20", "--steps", "1", "--json", *root)
    assert done.returncode == 0, done.stderr
    assert [(r["task"], r["status"], r["n"]) for r in json.loads(done.stdout)] == [("cls", "ok", 20), ("sis", "ok", 20)]


def test_who_can_do_what_is_as_the_readme_says(bench) -> None:  # type: ignore[no-untyped-def]
    rows = json.loads(bench("list", "support", "--json").stdout)
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for row in rows:
        if row["method"] != "mmseg":  # says nothing where mmsegmentation is not installed
            assert f"| {' | '.join(row.values())} |" in readme
    assert {row["method"]: row["ss"] for row in rows}["dsm"] == "5, 25"
    assert {row["method"]: row["cls"] for row in rows}["diffusion-classifier"] == "25"


def test_inference_options_are_part_of_the_cell_and_checked(bench) -> None:  # type: ignore[no-untyped-def]
    for arguments, said in (
        (("--set", "beta=3"), "no method given has options"),
        (("-m", "semflow", "-t", "ss", "--set", "bet=3"), "unknown option 'bet'; did you mean 'beta'?"),
        (("-m", "semflow", "-t", "ss", "--set", "beta=-1"), "greater than or equal to 0"),
        (("-m", "dsm", "-t", "ss", "--solver", "euler"), "dsm has no solver 'euler'"),
        (("-m", "dsm", "-t", "ss", "--steps", "1"), "one step gives no mask"),
    ):
        done = bench("run", *arguments)
        assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_a_defect_is_told_from_a_regression(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exit code of 1 would tell continuous integration that something got worse."""
    from symmbench.bench.cli import app

    def broken(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("what no one foresaw")

    monkeypatch.setattr(app, "app", broken)
    with pytest.raises(SystemExit) as stopped:
        app.main()
    said = capsys.readouterr().err
    assert stopped.value.code == 70 and "ZeroDivisionError" in said and "please report it" in said
