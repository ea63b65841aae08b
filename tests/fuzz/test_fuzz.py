"""Some of what `make fuzz` does: calls that nobody would make on purpose, and files that something has happened to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

CALLS, DAMAGES, SEED = 200, 100, 0


@pytest.fixture(scope="module")
def fuzzer() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        import fuzzer as found

        yield found
        for name in ("fuzzer", "asked", "damages", "words", "world"):
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def world(fuzzer: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fuzzer.World(tmp_path_factory.mktemp("fuzz") / "world")


def told(calls: Iterator[tuple[list[str], Any]]) -> tuple[list[str], set[object]]:
    """The calls that broke a rule, and how all ended."""
    faults, codes = [], set()
    for arguments, ended in calls:
        codes.add(ended.code)
        if ended.fault:
            faults.append(f"{ended.fault}: {arguments!r}\n{ended.err[-2000:]}")
    return faults, codes


def test_requests_are_valid_before_something_is_wrong_with_them(fuzzer: ModuleType, world: Any) -> None:
    """Else nothing would get far."""
    failed = []
    for number in range(20):
        arguments = fuzzer.asked.valid(fuzzer.random.Random(number), world)
        ended = fuzzer.call(arguments, world.fresh())
        if ended.code != 0 or ended.fault:
            failed.append((arguments, ended))
    assert not failed


def test_calls_that_nobody_would_make(fuzzer: ModuleType, world: Any) -> None:
    faults, codes = told(fuzzer.fuzz_calls(CALLS, SEED, world))
    assert not faults, "\n".join(faults)
    assert {0, 2} <= codes


def test_files_that_something_has_happened_to(fuzzer: ModuleType, world: Any) -> None:
    faults, codes = told(fuzzer.fuzz_damages(DAMAGES, SEED, world))
    assert not faults, "\n".join(faults)
    assert {0, 2} <= codes


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda: 1 / 0, "it ended with 70"),
        (lambda: print("\x1b[31mred"), ""),
        (lambda: Path("../given/floors.toml").write_text(""), "it wrote outside --out"),
    ],
)
def test_the_fuzzer_sees_faults(
    fuzzer: ModuleType, world: Any, monkeypatch: pytest.MonkeyPatch, broken: Callable[[], object], said: str
) -> None:
    from symmbench.bench.cli import app

    def call(*arguments: object, **options: object) -> None:
        broken()

    monkeypatch.setattr(app, "app", call)
    ((_, ended),) = fuzzer.fuzz_calls(1, 0, world)
    assert ended.fault.startswith(said) and (said or not ended.fault)
