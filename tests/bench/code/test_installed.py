"""From what is asked for to its files: what belongs to it, what does not, and wherever a package lies."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from symmbench.bench.code import Installed, installed, parts
from symmbench.bench.records import Code
from symmbench.symmflow import plugins

ENTRY = "[symmbench.methods]\ntheirs = theirs.method:Theirs\n"
PACKAGE = {
    "theirs/__init__.py": "from .maths import half\n",
    "theirs/method.py": (
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nimport numpy\n"
        "from symmbench.methods import Method\nfrom symmbench.symmflow import integrate\n"
        "if TYPE_CHECKING:\n    from .unseen import Nothing\n"
        "class Theirs(Method):\n"
        "    def objective(self):\n        from symmbench.symmflow.train import Trainer\n"
        "    def classify(self):\n        from .lazy import late\n        import theirs_extra\n"
    ),
    "theirs/maths.py": "def half(x):\n    return x / 2\n",
    "theirs/lazy.py": "from importlib import import_module\nlate = import_module('.later', __package__)\n",
    "theirs/later.py": "LATER = 1\n",
    "theirs/unseen.py": "class Nothing: ...\n",
    "theirs/other.py": "OTHER = 1\n",
    "theirs_extra.py": "EXTRA = 1\n",
}
OWN = {
    "theirs/__init__.py",
    "theirs/method.py",
    "theirs/maths.py",
    "theirs/lazy.py",
    "theirs/later.py",
    "theirs_extra.py",
}
Site = Callable[..., Path]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Install a package of someone else's on the path; the folder of its sources."""

    def install(files: dict[str, str], *, editable: bool = False, record: bool = True) -> Path:
        facts = tmp_path / "site" / "theirs-1.0.dist-info"
        facts.mkdir(parents=True)
        sources = tmp_path / "sources" if editable else tmp_path / "site"
        for name, text in files.items():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            (sources / name).write_text(text)
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(ENTRY)
        if editable:
            (facts / "direct_url.json").write_text(json.dumps({"url": "file:///x", "dir_info": {"editable": True}}))
        elif record:
            (facts / "RECORD").write_text("".join(f"{name},,\n" for name in files))
        monkeypatch.syspath_prepend(str(tmp_path / "site"))
        monkeypatch.syspath_prepend(str(sources))
        return sources

    yield install
    plugins.points.cache_clear()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    plugins.points.cache_clear()


def theirs() -> Code:
    return Installed().code(["methods:theirs"])


def own(code: Code) -> set[str]:
    return {name for name in code.files if not name.startswith("symmbench/")}


@pytest.mark.parametrize("editable", [False, True])
def test_what_a_package_imports_of_its_own_belongs_to_it(site: Site, editable: bool) -> None:
    site(PACKAGE, editable=editable)
    code = theirs()
    assert own(code) == OWN
    assert {"symmbench/methods/base.py", "symmbench/symmflow/solvers.py"} <= code.files.keys()
    ours = code.files.keys() - OWN
    assert not [name for name in ours if "/train/" in name or "numpy" in name or "__init__" in name]
    assert "theirs" not in sys.modules and "theirs.method" not in sys.modules


def test_a_module_without_a_list_of_its_files_is_known_by_its_entry_point(site: Site) -> None:
    site(PACKAGE, record=False)
    assert own(theirs()) == OWN - {"theirs_extra.py"}


def test_a_real_editable_install_of_another_folder_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    for name, text in PACKAGE.items():
        file = project / name.replace("theirs/", "code/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "theirs"\nversion = "1.0"\n'
        '[project.entry-points."symmbench.methods"]\ntheirs = "theirs.method:Theirs"\n'
        '[tool.setuptools]\npackages = ["theirs"]\npy-modules = ["theirs_extra"]\n'
        '[tool.setuptools.package-dir]\ntheirs = "code"\n'
    )
    build = "import sys; from setuptools import build_meta; print(build_meta.build_editable(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=project, capture_output=True, text=True, check=True
    )
    zipfile.ZipFile(tmp_path / done.stdout.strip().splitlines()[-1]).extractall(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    (finder,) = (tmp_path / "site").glob("__editable__*_finder.py")
    import_module(finder.stem).install()
    assert own(theirs()) == OWN


def test_a_changed_file_is_named_and_a_comment_is_none(site: Site) -> None:
    sources = site(PACKAGE)
    before = theirs()
    assert Installed().again(before) is before  # nothing parsed
    maths, other = sources / "theirs" / "maths.py", sources / "theirs" / "other.py"
    other.write_text("OTHER = 2\n")
    assert Installed().again(before) is before
    maths.write_text('def half(x):\n    """Half of it."""\n    return x / 2  # really\n')
    now = Installed().again(before)
    assert now is not before and before.changed(now) == "" and now.text != before.text
    maths.write_text("def half(x):\n    return x / 3\n")
    assert before.changed(Installed().again(before)) == "theirs/maths.py changed"
    (sources / "theirs" / "later.py").unlink()
    assert before.changed(Installed().again(before)) == "theirs/later.py, theirs/maths.py changed"


def test_an_entry_point_that_moved_is_other_code(site: Site, tmp_path: Path) -> None:
    site(PACKAGE | {"theirs/newer.py": PACKAGE["theirs/method.py"]})
    before = theirs()
    (tmp_path / "site" / "theirs-1.0.dist-info" / "entry_points.txt").write_text(
        ENTRY.replace("theirs.method", "theirs.newer")
    )
    plugins.points.cache_clear()
    assert before.changed(Installed().again(before)) == "theirs/method.py, theirs/newer.py changed"


def test_what_is_not_installed_here_is_said(site: Site, tmp_path: Path) -> None:
    site(PACKAGE)
    before = theirs()
    (tmp_path / "site" / "theirs-1.0.dist-info" / "entry_points.txt").unlink()
    plugins.points.cache_clear()
    assert before.changed(Installed().again(before)) == "methods:theirs not installed here"
    assert Code().changed(before) == "made before digests of code were kept"


def test_a_half_edited_file_is_a_changed_one(site: Site) -> None:
    sources = site(PACKAGE)
    before = theirs()
    (sources / "theirs" / "maths.py").write_text("def half(x:\n")
    assert before.changed(Installed().again(before)) == "theirs/maths.py changed"


def code_of(method: str, task: str, dataset: str, *judges: str) -> Code:
    looks = [f"methods:{j}" for j in judges if j in ("unet", "cnn")]
    seen = parts.reference(f"symmbench.bench.tasks.{task}", dataset, [*(f"judges:{j}" for j in judges), *looks])
    return Installed().code(parts.outputs(method, seen))


def files(code: Code) -> set[str]:
    return {name.removeprefix("symmbench/") for name in code.files}


def test_outputs_are_of_the_method_its_data_the_evaluation_the_task_and_the_judges() -> None:
    found = files(code_of("symmflow", "sis", "digit-scenes", "digits-cnn", "unet"))
    assert found >= {
        "methods/symmflow.py", "symmflow/flow.py", "symmflow/solvers.py", "symmflow/networks.py", "symmflow/noise.py",
        "symmflow/pixels.py", "symmflow/checkpoint.py", "datasets/digit_scenes.py", "datasets/split.py",
        "bench/run/evaluate.py", "bench/tasks/sis.py", "bench/metrics/confusion.py", "bench/judges/digits_cnn.py",
        "methods/discriminative.py", "methods/parts/cnn.py",
    }  # fmt: skip
    assert not [name for name in found if name.startswith(("symmflow/train", "reports", "bench/cli", "bench/compare"))]
    assert not found & {
        "symmflow/objective.py", "bench/tasks/cls.py", "bench/metrics/areas.py", "bench/statistics/intervals.py",
        "bench/records/record.py", "bench/run/sweep.py", "methods/semflow.py",
    }  # fmt: skip
    plain = files(code_of("cnn", "cls", "digits"))
    assert "bench/tasks/cls.py" in plain and not plain & {
        "bench/tasks/sis.py",
        "bench/judges/digits_cnn.py",
        "bench/judges/segmenter.py",
        "bench/judges/aligners.py",
        "symmflow/flow.py",
    }


def test_scoring_is_of_the_metrics_that_are_asked_for_and_the_statistics_behind_them() -> None:
    found = files(Installed().code(parts.scoring(["miou", "accuracy"])))
    assert found >= {
        "bench/metrics/segmentation.py", "bench/metrics/areas.py", "bench/metrics/classification.py",
        "bench/metrics/score.py", "bench/statistics/intervals.py", "bench/records/evidence.py",
    }  # fmt: skip
    assert not found & {"bench/metrics/frechet.py", "bench/tasks/ss.py", "bench/run/evaluate.py"}


def test_faces_only_pass_names_on() -> None:
    """The packages above a module of ours are no part of its code: importing them must do nothing else."""
    import ast

    import symmbench.bench as face

    home = Path(face.__file__).parents[1]
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.If)
    for path in [
        p
        for name in ("symmflow", "datasets", "methods", "reports", "bench")
        for p in (home / name).rglob("__init__.py")
    ]:
        for node in ast.parse(path.read_text()).body[1:]:
            assert isinstance(node, allowed), f"{path}:{node.lineno}"
            if isinstance(node, ast.If):
                assert ast.unparse(node.test) == "TYPE_CHECKING", f"{path}:{node.lineno}"


def test_digests_import_nothing() -> None:
    """The digests of everything that is registered come without importing any of it."""
    ask = (
        "import sys; from symmbench.bench.code import Installed, parts; from symmbench.symmflow.plugins import points\n"
        "seen = parts.reference('symmbench.bench.tasks.ss', 'mnist', ['judges:inception'])\n"
        "for name in points('symmbench.methods'):\n"
        "    code = Installed().code(parts.outputs(name, seen))\n"
        "    assert code.digest and '' not in code.files.values(), code\n"
        "apart = {'torch', 'symmbench.methods.dsm', 'symmbench.bench.judges.inception'}\n"
        "print(sorted(apart & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_files_are_read_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_of("symmflow", "cls", "digits")
    solvers = lambda path: path.read_bytes().replace(b"z + h * v(z, _at(t, z))", b"z + 0.8 * h * v(z, _at(t, z))")  # noqa: E731
    monkeypatch.setattr(installed, "read_file", solvers)
    assert before.changed(Installed().again(before)) == "symmflow/solvers.py changed"
