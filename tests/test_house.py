"""The house: which room may know which, how large a file may be, where the names of tasks may be compared."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from symmbench.bench import tasks

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("symmflow", "datasets", "methods", "reports", "bench")
GROUND = {"symmflow"}
DATA = GROUND | {"datasets", "methods"}
KEPT = DATA | {"bench.statistics", "bench.protocols", "bench.records"}
SEEN = KEPT | {"bench.code", "bench.metrics", "bench.judges"}
MAY_KNOW: dict[str, set[str]] = {
    "symmflow": set(),
    "reports": GROUND,
    "datasets": GROUND,
    "methods": GROUND | {"datasets"},
    "bench.statistics": set(),
    "bench.protocols": GROUND | {"datasets"},
    "bench.records": GROUND | {"bench.protocols"},
    "bench.code": GROUND | {"bench.records"},
    "bench.judges": DATA | {"bench.protocols", "bench.records"},
    "bench.metrics": GROUND | {"bench.statistics", "bench.protocols", "bench.records"},
    "bench.tasks": SEEN | {"reports"},
    "bench.run": SEEN | {"reports", "bench.tasks"},
    "bench.compare": SEEN | {"reports", "bench.tasks"},
    "bench.checks": SEEN | {"bench.tasks", "bench.run"},
}
EVERYTHING = set(MAY_KNOW) | {"bench.api", "bench.cli"}
MAY_KNOW |= {"bench.api": EVERYTHING, "bench.cli": EVERYTHING}
LONGEST_FILE, LONGEST_FUNCTION = 300, 80


def files(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text())


MODULES = {
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
    for folder in FOLDERS
    for path in (REPOSITORY / folder).rglob("*.py")
}


def room(module: str) -> str:
    """`bench.run` of `bench.run.plan`, `symmflow` of `symmflow.train.loop`."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "bench" else parts[0]


def imported(path: Path, tree: ast.Module, *, running: bool = False) -> Iterator[str]:
    """Our modules that a file imports, lazily too; `running`: not those that only type checkers see."""
    package = list(path.relative_to(REPOSITORY).parts[:-1])
    unseen = {
        id(inner)
        for node in ast.walk(tree)
        if running and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level or id(node) in unseen:
            continue
        base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
        where = ".".join(part for part in base if part)
        for name in node.names:
            module = f"{where}.{name.name}".lstrip(".")
            yield module if module in MODULES else where


def test_arrows_run_one_way() -> None:
    wrong = []
    for path, tree in files(*FOLDERS):
        here = room(".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__"))
        if here in ("bench", "bench.__main__"):  # the face
            continue
        for module in imported(path, tree):
            there = room(module)
            if there != here and there not in MAY_KNOW[here]:
                wrong.append(f"{path.relative_to(REPOSITORY)} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_the_table_of_arrows_has_no_circle() -> None:
    TopologicalSorter({room: known - {room} for room, known in MAY_KNOW.items() if room != "bench.api"}).prepare()
    assert set(MAY_KNOW) == {room(m) for m in MODULES} - {"bench", "bench.__main__"}


def test_no_circle_of_modules() -> None:
    graph: dict[str, set[str]] = {}
    for path, tree in files(*FOLDERS):
        name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
        # a package's face imports its rooms and is imported with them: that is no circle
        graph[name] = {m for m in imported(path, tree, running=True) if not name.startswith(m) and m != name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_bench_holds_no_loose_module() -> None:
    assert {path.name for path in (REPOSITORY / "bench").glob("*.py")} == {"__init__.py", "__main__.py", "api.py"}


def test_files_and_functions_are_short() -> None:
    long = []
    for path, tree in files(*FOLDERS):
        lines = len(path.read_text().splitlines())
        if lines > LONGEST_FILE:
            long.append(f"{path.relative_to(REPOSITORY)}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = (node.end_lineno or 0) - node.body[0].lineno + 1
                if body > LONGEST_FUNCTION:
                    long.append(f"{path.relative_to(REPOSITORY)}: {node.name} has {body} lines")
    assert not long, "\n".join(long)


def test_every_folder_says_what_lives_there() -> None:
    for path, tree in files(*FOLDERS):
        if path.name == "__init__.py":
            assert ast.get_docstring(tree), path


NAMES = {task.name for task in tasks.all_tasks()}


def decisions(tree: ast.Module) -> Iterator[ast.AST]:
    """Where a task's name decides: in comparisons, membership, `match`, keys of dictionaries; outside `supports`.

    A name counts as a constant, or as a variable that was bound to one.
    """
    bound = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value in NAMES
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    def is_name(node: ast.AST | None) -> bool:
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return any(map(is_name, node.elts))
        return (isinstance(node, ast.Constant) and node.value in NAMES) or (
            isinstance(node, ast.Name) and node.id in bound
        )

    def walk(node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.FunctionDef) and node.name == "supports":
            return
        yield node
        for child in ast.iter_child_nodes(node):
            yield from walk(child)

    for node in walk(tree):
        match node:
            case ast.Compare():
                deciding = [node.left, *node.comparators]
            case ast.Dict():
                deciding = [key for key in node.keys if key]
            case ast.MatchValue():
                deciding = [node.value]
            case ast.Subscript():
                deciding = [node.slice]
            case _:
                continue
        if any(map(is_name, deciding)):
            yield node


def test_names_of_tasks_decide_nothing_outside_the_tasks() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"  # type: ignore[attr-defined]
        for path, tree in files("bench", "reports", "methods")
        if not path.is_relative_to(REPOSITORY / "bench" / "tasks")
        for node in decisions(tree)
    ]
    assert len(found) <= 5, "\n".join(found)


def test_the_count_of_decisions_sees_them() -> None:
    text = """
CYCLE = "cycle"
def supports(task): return task == "cls"
def other(task):
    if task == "cls": pass
    if task in ("ss", "sis"): pass
    if task == CYCLE: pass
    match task:
        case "ss": pass
    return {"sis": 1}[task]
"""
    assert len(list(decisions(ast.parse(text)))) == 5


def test_the_kind_of_labels_decides_nearly_nothing_outside_the_tasks() -> None:
    found = set()
    for path, tree in files("bench"):
        if path.is_relative_to(REPOSITORY / "bench" / "tasks"):
            continue
        for node in ast.walk(tree):
            match node:
                case ast.If() | ast.IfExp() | ast.Assert():
                    tests = [node.test]
                case ast.comprehension():
                    tests = node.ifs
                case ast.BoolOp() | ast.Compare():
                    tests = [node]
                case _:
                    continue
            for test in tests:
                if any(word in ast.unparse(test) for word in ("has_masks", "ndim == 1", "ndim > 1", "dim() > 1")):
                    found.add(f"{path.relative_to(REPOSITORY)}:{test.lineno}: {ast.unparse(test)}")
    assert len(found) <= 3, "\n".join(found)
