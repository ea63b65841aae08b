"""The command line as a user meets it: help, mistakes, defects."""

from typing import Any

import pytest

RUN = ("run", "-t", "cls", "-d", "two-spirals")


def test_help_is_quick_and_imports_no_torch(without_torch: Any) -> None:
    done = without_torch("--help")
    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in ("run", "train", "sample", "compare", "list", "data"))


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
        (("train", "--recipe", "none.toml"), "there is no recipe at none.toml; `bench list recipes` shows"),
        (("run", "--checkpoint", "runs/no/where"), "no checkpoint folder at runs/no/where; `bench train` makes one."),
        (("train", "--recipe", "mnist/symmflo"), "did you mean 'mnist/symmflow'"),
        (("train", "--recipe", "digits/cnn", "--set", "optimizer.lr=fast"), "; mend the recipe or the --set."),
        (
            ("run", "--checkpoint", "runs/my"),
            "no checkpoint folder at runs/my; a repository of the hub is written hub:runs/my",
        ),
        (("run", "--checkpoint", "hub:runs/my ckpt"), "is no id of the hub; write it like hub:owner/name."),
        (("sample", "-d", "digits", "-m", "cnn", "-t", "cls", "-n", "1", "-o", "."), "is a folder; name a file"),
        (("train", "--recipe", "two-spirals/symmflow", "--set", "data.shift=1"), "remove it from a recipe for points"),
        (("train", "--recipe", "two-spirals/symmflow", "--set", "train.seed=-1"), "train.seed"),
        (("compare", "nothing-here"), "there is no results folder"),
        (("data", "get", "inceptionn"), "did you mean 'inception'"),
        (("list", "things"), "things"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_two(bench: Any, arguments: tuple[str, ...], said: str) -> None:
    done = bench(*arguments)
    assert done.returncode == 2 and said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_a_process_ends_with_the_code_and_nothing_but_the_sentence(bench_process: Any) -> None:
    """Also where other packages, which like to warn, were imported on the way."""
    done = bench_process("run", "--checkpoint", "runs/my ckpt")
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr


def test_debug_shows_the_traceback(bench: Any) -> None:
    done = bench("run", "-m", "symflow", "--debug")
    assert done.returncode == 2 and "Traceback" in done.stderr and "did you mean" in done.stderr


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
