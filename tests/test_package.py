"""The package as others get it: the wheel, what it exports, the README's examples and statements, the Makefile."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target"]
BENCH = """
import shlex, sys
from symmbench.bench.cli import main
for line in sys.stdin:
    try:
        main(shlex.split(line, comments=True)[1:])
    except SystemExit as end:
        if end.code:
            sys.exit(end.code)
"""
"""Command lines in one process, which imports torch once; it ends with the first that fails. Run with -P, as a script
is: what is installed counts, not what lies in the folder."""


def run(
    arguments: Sequence[str], folder: Path, path: Path | None = None, *, code: int = 0, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    environment = {"OMP_NUM_THREADS": "2", **os.environ} | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, input=stdin
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def section(heading: str) -> str:
    return README.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_the_wheel_carries_everything_and_runs(tmp_path: Path) -> None:
    source = tmp_path / "source"
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    ).stdout.split()
    if not files:
        pytest.skip("not a git checkout")
    for name in files:  # a copy, so that building leaves nothing in the checkout
        if (REPOSITORY / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((REPOSITORY / name).read_bytes())
    site = tmp_path / "site"
    run([*PIP, str(site), str(source)], tmp_path)
    assert sorted(p.name for p in site.iterdir() if p.suffix != ".dist-info" and p.name != "bin") == ["symmbench"]
    assert all(
        (site / "symmbench" / part / "py.typed").is_file()
        for part in ("bench", "methods", "datasets", "reports", "symmflow")
    )
    where = "import symmbench.bench.cli as c; print(c.__file__)"
    assert run([sys.executable, "-c", where], tmp_path, site).stdout.startswith(str(site))
    bench = [sys.executable, "-m", "symmbench.bench"]
    assert "mnist/symmflow" in run([*bench, "list", "recipes", "--json"], tmp_path, site).stdout
    done = run([*bench, "run", "-t", "cls", "-d", "two-spirals", "--steps", "1,50"], tmp_path, site)
    assert "82.0" in done.stdout  # the paper's figure: published.csv is there


FACES = [
    ".".join(("symmbench", *path.relative_to(REPOSITORY).parts[:-1]))
    for folder in ("symmflow", "datasets", "methods", "reports", "bench")
    for path in sorted((REPOSITORY / folder).rglob("__init__.py"))
]


@pytest.mark.parametrize("name", FACES)
def test_every_exported_name_imports(name: str) -> None:
    face = import_module(name)
    assert [one for one in getattr(face, "__all__", []) if not hasattr(face, one)] == []


def test_the_functions_stay_functions_beside_rooms_of_their_names(tmp_path: Path) -> None:
    code = """
import sys
import symmbench.bench as bench
assert not {"torch", "pandas", "scipy", "diffusers"} & set(sys.modules), "it imports what it need not"
import symmbench.bench.compare.records, symmbench.bench.run.plan, symmbench.bench.cli
print([name for name in bench.__all__ if not callable(getattr(bench, name))])
"""
    assert run([sys.executable, "-c", code], tmp_path).stdout.strip() == "[]"


# The README's package of a method, a data set, a judge and a metric


@dataclass(frozen=True)
class Example:
    """The files of the README's section in a folder, installed beside it, and what its commands left there."""

    folder: Path
    site: Path

    def bench(self, *lines: str, code: int = 0) -> str:
        return run(
            [sys.executable, "-P", "-c", BENCH], self.folder, self.site, code=code, stdin="\n".join(lines)
        ).stdout

    def records(self, out: str) -> dict[str, Any]:
        """By method."""
        found = [json.loads(path.read_text()) for path in (self.folder / out).glob("*/*/*/record.json")]
        return {record["method"]: record for record in found}


HEADING = "Add a method, a metric, a data set, a judge"
FILES: dict[str, str] = dict(
    re.findall(r"^`([\w.-]+)`[^\n]*:\n\n```\w+\n(.*?)```", section(HEADING), flags=re.M | re.S)
)
RUN = "bench run --method average --dataset stripes --checkpoint runs/average"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    folder = tmp_path_factory.mktemp("example")
    found = Example(folder, folder / "site")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    run([*PIP, str(found.site), str(folder)], folder)
    install, *commands = blocks("bash", section(HEADING))[0].splitlines()
    assert install == "pip install ." and RUN in commands
    found.bench(*commands)
    return found


def test_each_part_of_the_example_is_short() -> None:
    modules = [name for name in FILES if name.endswith(".py")]
    assert len(modules) == 4 and {"pyproject.toml", "average.toml", "table-2.toml"} == {*FILES} - {*modules}
    for name in modules:
        assert len(FILES[name].splitlines()) <= 25, name


def test_the_example_is_listed(example: Example) -> None:
    kinds = ("methods", "metrics", "datasets", "judges")
    shown = dict(zip(kinds, map(json.loads, _lists(example, kinds)), strict=True))
    (method,) = [row for row in shown["methods"] if row["method"] == "average"]
    (metric,) = [row for row in shown["metrics"] if row["metric"] == "precision"]
    (data,) = [row for row in shown["datasets"] if row["data set"] == "stripes"]
    (judge,) = [row for row in shown["judges"] if row["judge"] == "patches"]
    assert method["tasks"] == ["sis"] and data["splits"] == ["train 400", "test 200"]
    assert metric["floor"] == "0.01" and metric["judge"] == judge["role"] == "extractor"
    assert judge["suits"] == ["stripes"]


def _lists(example: Example, kinds: Sequence[str]) -> list[str]:
    return [example.bench(f"bench list {kind} --json") for kind in kinds]


def test_the_example_is_measured_by_its_own_metric_and_judge(example: Example) -> None:
    record = example.records("results")["average"]
    assert {"fid[patches]", "kid[patches]", "precision[patches]"} <= set(record["metrics"])
    assert record["nfe"] == 1 and 0.2 < record["metrics"]["precision[patches]"]["value"] < 1
    protocol = json.loads((example.folder / "results" / "protocols" / f"{record['protocol']['hash']}.json").read_text())
    assert protocol["judges"] == {"extractor": "patches:1", "lpips": None, "aligner": None}
    assert record["absent"]["lpips_gt"] == "no lpips suits stripes"
    verified, table = example.bench("bench data verify stripes"), example.bench("bench compare")
    assert f"content {protocol['content_sha256']}" in verified
    assert "fid[patches] ↓" in table and "precision[patches] ↑" in table


def test_the_example_is_compared_with_another_training(example: Example) -> None:
    early = "--recipe average.toml --set name=stripes/average[early] --set schedule.steps=20 --out runs/early"
    again = RUN.replace("runs/average", "runs/early")
    said = example.bench(
        f"bench train {early}",
        f"{again} --out both",
        f"{RUN} --out both",
        "bench compare both --baseline average[early] --wide",
    )
    verdicts = re.findall(r"average +– +average\[early\] +(\S+) .* (\w+)\s*$", said, flags=re.MULTILINE)
    assert dict(verdicts).items() >= {"fid[patches]": "better", "precision[patches]": "better"}.items()
    assert dict(verdicts).keys() == {f"{name}[patches]" for name in ("fid", "fid_infinity", "kid", "precision")}


def test_the_gate_passes_the_example_and_stops_it_when_it_is_damaged(example: Example) -> None:
    (example.folder / "floors.toml").write_text("[relative_time]\nabsolute = 1e9\n")  # so small a network: chance
    gate = "bench gate example.zip again --floors floors.toml --format json"
    said = example.bench("bench baseline save example.zip", f"{RUN} --out again", gate)
    assert json.loads(said[said.index("{") :])["verdict"] == "pass"
    damaged = Example(example.folder, example.folder / "damaged-site")
    shutil.copytree(example.site, damaged.site)
    (damaged.site / "average.py").write_text(FILES["average.py"].replace("0.1 * noise", "0.9 * noise"))
    damaged.bench(f"{RUN} --out damaged")
    said = damaged.bench(gate.replace("again", "damaged"), code=1)
    worse = {c["metric"] for c in json.loads(said)["checks"] if c["status"] == "regression"}
    assert {"fid[patches]", "precision[patches]"} <= worse


def test_a_protocol_of_ones_own(example: Example) -> None:
    said = example.bench(f"{RUN} --protocol table-2.toml --out own", "bench compare own --protocol table-2.toml")
    record = example.records("own")["average"]
    assert said.count("stripes/sis:table-2@1: test, n = 200, protocol " + record["protocol"]["hash"]) == 2
    assert set(record["metrics"]) == {"fid[patches]", "feature_diversity[patches]", "precision[patches]"}
    assert not record["absent"] and record["samples_per_mask"] == 4
    again = example.bench("bench rescore results --protocol table-2.toml")
    assert "not from this evidence: table-2 rounds images otherwise (truncate)" in again


def test_a_third_party_package_is_found_trained_checked_and_run(tmp_path: Path) -> None:
    source, site = tmp_path / "prototype", tmp_path / "site"
    shutil.copytree(REPOSITORY / "tests" / "fixtures" / "prototype", source)
    run([*PIP, str(site), str(source)], tmp_path)
    bench, given = [sys.executable, "-m", "symmbench.bench"], ["--checkpoint", "runs/prototype", "-d", "digits"]
    run([*bench, "train", "--recipe", "prototype/prototype.toml", "--out", "runs/prototype"], tmp_path, site)
    checks = json.loads(run([*bench, "check", "prototype", *given, "--json"], tmp_path, site).stdout)["digits"]
    assert {c["task"] for c in checks if c["ok"]} == {"cls", "ss", "sis"} and not [
        c for c in checks if c["ok"] is False
    ]
    asked = ["-t", "cls,sis", "--set", "spread=0.4", "--samples-per-mask", "2", "--limit", "60", "--json"]
    records = json.loads(run([*bench, "run", "-m", "prototype", *given, *asked], tmp_path, site).stdout)
    classified, synthesized = records
    assert classified["metrics"]["accuracy"]["value"] > 0.8 and classified["nfe"] == 10
    assert synthesized["options"] == {"spread": 0.4} and synthesized["nfe"] == 1
    assert synthesized["metrics"]["feature_diversity[digits-cnn]"]["value"] > 0


KINDS = {"methods": "method", "metrics": "metric", "datasets": "data set", "judges": "judge"}


def test_broken_parts_are_listed_with_their_reason_beside_all_others(bench: Any, third_party: Any) -> None:
    third_party("number = 7", **{kind: {"gone": "theirs:GONE", "odd": "theirs:number"} for kind in KINDS})
    for kind, one in KINDS.items():
        rows = {row[one]: row for row in json.loads(bench("list", kind, "--json").stdout)}
        assert len(rows) > 5
        said = " ".join(map(str, rows["gone"].values()))
        assert f"{one} 'gone' (theirs:GONE) cannot be imported: AttributeError: module 'theirs' has no" in said
        assert f"{one} 'odd' (theirs:number) is of type int, no " in " ".join(map(str, rows["odd"].values()))
    done = bench("run", "-m", "gone", "-t", "cls")
    assert done.returncode == 2 and "method 'gone' (theirs:GONE) cannot be imported" in done.stderr


# What the README says


def test_the_readmes_python_runs(tmp_path: Path) -> None:
    (code,) = blocks("python", section("Where things are"))
    table = code.strip().splitlines()[-1]
    shown = code.replace(table, f"print({table}.round(3).to_csv())")
    done = run([sys.executable, "-c", shown], tmp_path)
    assert "accuracy" in done.stdout and "symmflow,0.975,0.962" in done.stdout


def test_the_readme_shows_only_options_that_exist() -> None:
    lines = "\n".join(blocks("(?:console|bash|yaml)")).replace("\\\n", " ").splitlines()
    ours = [line.rpartition("bench ")[2] for line in lines if "bench " in line]  # not those of who launches it
    used = set(re.findall(r"(?<=\s)--[a-z][a-z-]+", "\n".join(ours)))
    known = "".join(
        subprocess.run(
            [sys.executable, "-m", "symmbench.bench", c, "--help"],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        ).stdout
        for c in ("run", "train", "sample", "compare", "check", "gate", "list", "import", "export")
    )
    assert used and all(option in known for option in used), sorted(o for o in used if o not in known)


@pytest.mark.parametrize("page", ["README.md", "reports/rivals.md"])
def test_the_protocols_on_a_page_are_those_of_today(page: str) -> None:
    text = (REPOSITORY / page).read_text()
    shown = set(re.findall(r"([\w-]+)/(\w+)@1: test, n = ([\d,]+), protocol (\w{16})", text))
    assert len(shown) == 3
    for dataset, task, n, hashed in shown:
        asked = Request(tasks=[task], datasets=[dataset], limit=int(n.replace(",", "")), steps=[25])
        several = Request(tasks=[task], datasets=[dataset], limit=asked.limit, steps=[25], samples_per_mask=2)
        assert hashed in {plan(request).jobs[0].protocol.hash for request in (asked, several)}, (dataset, task)


def test_every_file_that_a_page_names_is_there() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        text = (REPOSITORY / page).read_text()
        named = re.findall(r"\]\(([\w/.-]+)\)", text)
        named += re.findall(r"`((?:bench|datasets|methods|reports|symmflow|tests)/[a-z_/.-]*)`", text)
        assert {"CHANGELOG.md"} < {*named} and not [name for name in named if not (REPOSITORY / name).exists()], page


def test_the_makefile_explains_itself() -> None:
    done = run(["make", "-s", "help"], REPOSITORY)
    for target in ("demo", "test", "check", "pretrained", "gpu-test", "gpu-pretrained"):
        assert re.search(rf"^{target}\s+\w", done.stdout, flags=re.MULTILINE)
