"""Methods of other packages that do what they should not: their own failure, said in a line, and nobody else's."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symmbench import datasets
from symmbench.bench import api
from symmbench.bench.run import repeat

BASE = '''
import os, signal, sys, warnings
from pathlib import Path

import numpy as np
import torch

from symmbench.methods import Classification, Classify, Foreign, Method, Synthesize
from symmbench.symmflow.errors import InputError


class Theirs(Method):
    """A classifier by brightness, whose subclasses misbehave."""

    title, tasks, flaw = "of others", (Classify(),), None

    @classmethod
    def open(cls, argument, dataset, given, trust=False):
        return Foreign(Path(cls.name), cls.name, cls.name)

    @classmethod
    def load(cls, checkpoint, card, device, inference=None):
        return cls(torch.nn.Linear(64, 10).requires_grad_(False), None, card)

    @classmethod
    def network(cls, recipe, card): ...

    objective = network

    def answer(self, images):
        scores = (self.net(images.flatten(1)) * 0 + images.flatten(1)[:, :10]).softmax(dim=1)
        return Classification(scores.argmax(dim=1), scores, scale="probability")

    def classify(self, images, sampling):
        for _ in sampling.steps:
            yield self.spoilt(images, self.answer(images))

    def spoilt(self, images, right):
        return right


def changed(right, classes=None, scores=None, scale="made up"):
    scores = right.scores if scores is None else scores
    return Classification(scores.argmax(dim=1) if classes is None else classes, scores, scale=scale)


def fill(images, value):
    with torch.inference_mode():
        images.fill_(value)


class Odd(BaseException):
    pass


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")
'''

RAISES = """
class {name}(Theirs):
    name = "evil"
    def classify(self, images, sampling):
        {body}
        yield
"""
SPOILS = """
class {name}(Theirs):
    name = "evil"
    def spoilt(self, images, right):
        {body}
"""
WHOLE = """
class {name}(Theirs):
    name = "evil"
{body}
"""

FAILING: dict[str, tuple[str, str, str]] = {
    # what it does, and a part of what is said of it
    "exits": (RAISES, "sys.exit(0)", "breaks with SystemExit: 0"),
    "interrupts": (RAISES, "raise KeyboardInterrupt", "breaks with KeyboardInterrupt"),
    "input error": (RAISES, "raise InputError('give me other data.')", "give me other data"),
    "base exception": (RAISES, "raise Odd('odd')", "theirs.Odd: odd"),
    "generator exit": (RAISES, "raise GeneratorExit", "GeneratorExit"),
    "memory": (RAISES, "raise MemoryError", "breaks with MemoryError"),
    "recursion": (RAISES, "next(self.classify(images, sampling))", "RecursionError"),
    "error without words": (RAISES, "raise Mute", "exception str() failed"),
    "error of many words": (RAISES, "raise ValueError('\\x1b[2J\\nx' * 10**6)", "ValueError: [2J x [2J x"),
    "stop": (RAISES, "raise StopIteration", "generator raised StopIteration"),
    "gives nothing": (RAISES, "return", "gives 0 results for 1 step count;"),
    "gives too few": (RAISES, "yield self.answer(images); return", "gives 1 result for 2 step counts"),
    "never ends": (RAISES, "while True: yield self.answer(images)", "gives more than 1 result,"),
    "returns none": (WHOLE, "    def classify(self, images, sampling): ...", "NoneType is no iterator"),
    "returns a list": (WHOLE, "    def classify(self, images, sampling): return []", "list is no iterator"),
    "gives none": (SPOILS, "return None", "gives a NoneType instead of a Classification"),
    "int32": (SPOILS, "return changed(right, classes=right.classes.int())", "classes that are not int64 [8]"),
    "a class too many": (SPOILS, "return changed(right, classes=right.classes + 10)", "classes that are not in 0-9"),
    "squeezes": (SPOILS, "return changed(right, classes=right.classes[:1])", "classes that are not int64 [8]"),
    "narrow scores": (SPOILS, "return changed(right, scores=right.scores[:, :9])", "not floating-point [8, 10]"),
    "whole scores": (SPOILS, "return changed(right, scores=right.scores.long())", "not floating-point [8, 10]"),
    "scores of numpy": (
        SPOILS,
        "return changed(right, classes=right.classes, scores=right.scores.numpy())",
        "not floating-point",
    ),
    "nan": (SPOILS, "return changed(right, scores=right.scores * float('nan'))", "scores that are not finite"),
    "infinite": (SPOILS, "return changed(right, scores=right.scores / 0)", "scores that are not finite"),
    "no probabilities": (SPOILS, "return changed(right, scores=2 * right.scores, scale='probability')", "sum to 1"),
    "nameless scale": (SPOILS, "return changed(right, scale=None)", "scale without a name"),
    "not the best": (SPOILS, "return changed(right, classes=right.scores.argmin(dim=1))", "do not have the best score"),
    "meta": (SPOILS, "return changed(right, scores=right.scores.to('meta'))", "a result that cannot be read"),
    "changes inputs": (SPOILS, "fill(images, 0.5); return right", "changes its inputs"),
    "changes them later": (
        RAISES,
        "yield from [self.answer(images)] * len(sampling.steps); fill(images, 0.5); return",
        "changes its inputs",
    ),
    "resizes inputs": (SPOILS, "images.resize_(1, 1); return right", "changes its inputs"),
    "loads nothing": (
        WHOLE,
        "    @classmethod\n    def load(cls, *given): return None",
        "cannot be loaded: it breaks with AttributeError",
    ),
    "exits when loaded": (
        WHOLE,
        "    @classmethod\n    def load(cls, *given): sys.exit(0)",
        "cannot be loaded: it breaks with SystemExit: 0",
    ),
    "exits when asked": (
        WHOLE,
        "    @classmethod\n    def can(cls, does, steps, card): sys.exit(0)",
        "it breaks with SystemExit: 0",
    ),
    "networks break": (WHOLE, "    @property\n    def networks(self): raise KeyError('net')", "KeyError: 'net'"),
}

HARMLESS: dict[str, tuple[str, str]] = {
    "other folder": (SPOILS, "os.chdir('/'); return right"),
    "no folder": (SPOILS, "os.makedirs('gone'); os.chdir('gone'); os.rmdir('../gone'); return right"),
    "other numbers": (SPOILS, "torch.set_default_dtype(torch.float64); return right"),
    "other device": (SPOILS, "torch.set_default_device('meta'); return right"),
    "warnings as errors": (SPOILS, "warnings.simplefilter('error'); np.seterr(all='raise'); return right"),
    "silence": (SPOILS, "sys.stdout = sys.stderr = open(os.devnull, 'w'); return right"),
    "deaf": (SPOILS, "signal.signal(signal.SIGINT, signal.SIG_IGN); return right"),
    "gradients": (SPOILS, "torch.set_grad_enabled(True); torch.use_deterministic_algorithms(True); return right"),
    "half numbers": (
        RAISES,
        "with torch.autocast('cpu', torch.bfloat16):\n            for _ in sampling.steps: yield self.answer(images)\n"
        "        return",
    ),
    "one memory": (
        WHOLE,
        """
    def classify(self, images, sampling):
        right = self.answer(images)
        for count in sampling.steps:
            right.scores.fill_(0.1)
            right.classes.fill_(count)
            yield right""",
    ),
}


def evidence(out: Path) -> dict[str, bytes]:
    """Of `cnn`."""
    return {file.name: file.read_bytes() for file in out.glob("digits/cls/cnn-*/**/samples*.parquet")}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The evidence of `cnn` where nobody is beside it."""
    out = tmp_path_factory.mktemp("alone")
    api.run(methods="cnn", tasks="cls", limit=8, out=out, device="cpu")
    return evidence(out)


@pytest.fixture
def evaluated(
    bench: Any, third_party: Any, tmp_path: Path, alone: dict[str, bytes]
) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """A run of a hostile method and of `cnn` after it: how it ended, and the records by method and steps."""

    def run(kind: str, body: str) -> tuple[Any, dict[str, Any]]:
        third_party(BASE + kind.format(name="Evil", body=body), methods={"evil": "theirs:Evil"})
        asked = ("run", "-t", "cls", "--steps", "1,2", "--limit", "8", "--device", "cpu")
        done = bench(*asked, "-m", "evil,cnn", "--out", "both")
        assert evidence(tmp_path / "both") == alone and alone, "it spoils the evidence of another"
        records = [json.loads(path.read_text()) for path in (tmp_path / "both").glob("*/*/*/record.json")]
        found = {f"{r['method'].partition(':')[0]}@{r['steps']}": r for r in records}
        assert found["cnn@None"]["status"] == "ok"
        return done, found

    return run


@pytest.mark.parametrize("what", FAILING)
def test_a_failure_is_the_methods_own(evaluated: Any, what: str) -> None:
    kind, body, said = FAILING[what]
    done, found = evaluated(kind, body)
    assert done.returncode == 1, done.stderr
    failed = [found[name] for name in ("evil@1", "evil@2") if name in found]
    assert len(failed) == (0 if what == "exits when asked" else 2) and {r["status"] for r in failed} <= {"failed"}
    (line,) = [line for line in done.stderr.splitlines() if said in line]
    assert ("the traceback lies in both/digits/cls/evil" in line) == bool(failed) and len(line) < 600
    assert "Traceback" not in done.stderr and all(c.isprintable() for c in line), done.stderr


@pytest.mark.parametrize("what", HARMLESS)
def test_what_it_changes_of_the_process_is_put_back(evaluated: Any, what: str) -> None:
    import torch

    before = Path.cwd(), signal.getsignal(signal.SIGINT), torch.get_num_threads()
    done, found = evaluated(*HARMLESS[what])
    assert done.returncode == 0, done.stderr
    assert found["evil@1"]["status"] == found["evil@2"]["status"] == "ok"
    assert before == (Path.cwd(), signal.getsignal(signal.SIGINT), torch.get_num_threads())
    assert torch.get_default_dtype() == torch.float32 and not torch.are_deterministic_algorithms_enabled()
    if what == "one memory":
        assert [found[f"evil@{n}"]["metrics"]["accuracy"]["value"] for n in (1, 2)] == shares(1, 2)


def shares(*classes: int) -> list[float]:
    """Of the classes among the first eight digits."""
    labels = datasets.load("digits", "test").batch(range(8)).labels
    return [float((labels == one).mean()) for one in classes]


def test_ctrl_c_is_heard_by_a_method_that_swallows_it(bench: Any, third_party: Any) -> None:
    body = """
    def classify(self, images, sampling):
        try:
            signal.raise_signal(signal.SIGINT)
        except BaseException:
            yield self.answer(images)"""
    third_party(BASE + WHOLE.format(name="Evil", body=body), methods={"evil": "theirs:Evil"})
    done = bench("run", "-t", "cls", "-m", "evil", "--limit", "8", "--device", "cpu")
    assert done.returncode == 130 and "interrupted: 0 of 1 cells are finished" in done.stderr, done.stderr


def test_a_cell_whose_process_was_killed_is_listed(
    bench: Any, bench_process: Any, third_party: Any, tmp_path: Path
) -> None:
    third_party(BASE + RAISES.format(name="Evil", body="os._exit(0)"), methods={"evil": "theirs:Evil"})
    asked = ("run", "-t", "cls", "-m", "cnn,evil", "--steps", "5", "--limit", "8", "--device", "cpu")
    done = bench_process(*asked, PYTHONPATH=str(tmp_path / "site"))
    assert done.returncode == 0 and "evaluated" not in done.stderr  # as the method wanted; but:
    rows = json.loads(bench("list", "runs", "--json").stdout)
    assert {(row["method"][:4], row["status"]) for row in rows} == {("evil", "unfinished"), ("cnn", "ok")}
    assert "unfinished" in bench("list", "runs").stdout


@pytest.fixture
def two(third_party: Any) -> None:
    """A method that draws what nobody seeded, and the same one without."""
    body = """
    def classify(self, images, sampling):
        for count in sampling.steps:
            scores = self.net(images.flatten(1)){more}
            yield Classification(scores.argmax(dim=1), scores, scale="made up")"""
    drawn = body.format(more=" + torch.rand(len(images), 10)")
    third_party(
        BASE + WHOLE.format(name="Random", body=drawn).replace("evil", "random")
        + WHOLE.format(name="Same", body=body.format(more="")).replace("evil", "same"),
        methods={"random": "theirs:Random", "same": "theirs:Same"},
    )  # fmt: skip


def test_what_does_not_repeat_is_told(bench: Any, two: None, tmp_path: Path) -> None:
    asked = ("run", "-t", "cls", "-m", "random,same", "--steps", "1,2", "--device", "cpu", "--limit")
    for _ in range(2):  # also where the record is there already
        done = bench(*asked, "300")
        assert done.returncode == 0, done.stderr
        (line,) = [line for line in done.stderr.splitlines() if line.startswith("not repeatable")]
        assert "digits/cls random:random steps=1 seed=0: " in line and "`bench check random --dataset digits`" in line
    records = [json.loads(path.read_text()) for path in (tmp_path / "results").glob("*/*/*/record.json")]
    found = {(r["method"].partition(":")[0], r["steps"]): r["differing"] for r in records}
    assert found.pop(("random", 1)) > 0.9
    assert found == {("random", 2): None, ("same", 1): 0.0, ("same", 2): None}
    assert "random:random steps=1 seed=0 is not repeatable: " in bench("compare").stdout
    assert "not repeatable" not in bench(*asked, "200").stderr  # four of so few would be two percent: not asked


def test_asking_again_changes_nothing(two: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    made = {}
    for asked in (True, False):
        monkeypatch.setattr(repeat, "affordable", lambda samples, asked=asked: asked)
        torch.manual_seed(0)
        out = tmp_path / str(asked)
        (record,) = api.run(methods="random", tasks="cls", steps=1, limit=300, out=out, device="cpu")
        assert (record.differing is not None) is asked and record.cost is not None
        files = {file.name: file.read_bytes() for file in out.glob("digits/cls/*/**/samples*.parquet")}
        made[asked] = files, record.nfe, record.cost.timed_batches, len(record.cost.relative), record.metrics
    assert made[True] == made[False]


def test_a_name_of_ours_is_not_taken_in_silence(bench: Any, third_party: Any) -> None:
    third_party(BASE + WHOLE.format(name="Evil", body="").replace("evil", "cnn"), methods={"cnn": "theirs:Evil"})
    said = "theirs registers theirs:Evil in symmbench.methods as 'cnn', which symmbench has itself: it is left out"
    done = bench("run", "-t", "cls", "-m", "cnn", "--limit", "8", "--device", "cpu", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)[0]["checkpoint"]["recipe"] == "digits/cnn"
    assert done.stderr.count(said) == 1
    rows = {row["method"]: row["what"] for row in json.loads(bench("list", "methods", "--json").stdout)}
    assert said in rows["cnn (theirs)"] and rows["cnn"].startswith("CNN classifier")


def test_what_ends_the_process_when_imported_breaks_no_list(bench: Any, third_party: Any) -> None:
    third_party("import sys\nsys.exit(0)", methods={"evil": "theirs:Evil"}, metrics={"odd": "theirs:ODD"})
    for kind, column in (("methods", "method"), ("metrics", "metric"), ("support", "method")):
        done = bench("list", kind, "--json")
        rows = {row[column]: row for row in json.loads(done.stdout)}
        assert done.returncode == 0 and len(rows) > 5 and {"evil", "odd"} & rows.keys()
    done = bench("run", "-t", "cls", "-m", "evil,cnn")
    assert done.returncode == 2 and "cannot be imported: SystemExit: 0" in done.stderr


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("sys.exit(0)", "SystemExit: 0"),
        ("while True: yield self.answer(images)", "3 for 2"),
        ("yield from (self.answer(images) for _ in sampling.steps); fill(images, 0.5); return", "changes its inputs"),
    ],
)
def test_a_check_of_a_hostile_method_fails_and_says_why(bench: Any, third_party: Any, body: str, said: str) -> None:
    third_party(BASE + RAISES.format(name="Evil", body=body), methods={"evil": "theirs:Evil"})
    done = bench("check", "evil", "--dataset", "digits")
    assert done.returncode == 1 and said in done.stdout and "FAILED" in done.stdout, done.stdout
