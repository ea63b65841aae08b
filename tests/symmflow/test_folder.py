"""symmflow as a library of its own."""

import importlib
import io
import re
import tokenize
from pathlib import Path

import pytest

import symmbench.symmflow

FOLDER = Path(symmbench.symmflow.__file__).parent
HARNESS = re.compile(r"\b(symm)?bench\b|\bharness\b|(?<!\S)`?--[a-z]", flags=re.IGNORECASE)


def words_of_the_harness(code: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return [f"{t.start[0]}: {found.group()}" for t in tokens if (found := HARNESS.search(t.string))]


@pytest.mark.parametrize("file", sorted(FOLDER.rglob("*.py")), ids=lambda p: str(p.relative_to(FOLDER)))
def test_it_says_nothing_of_the_harness(file: Path) -> None:
    assert words_of_the_harness(file.read_text()) == []


def test_a_word_of_the_harness_would_be_found() -> None:
    for code in ("# as bench does", "x = 'choose another --out.'", "'''run `bench train`'''", "import symmbench"):
        assert words_of_the_harness(code), code
    assert words_of_the_harness("benchmark = x--y  # one -- two") == []


@pytest.mark.parametrize("name", symmbench.symmflow.__all__)
def test_every_exported_name_is_there(name: str) -> None:
    value = getattr(symmbench.symmflow, name)
    assert value.__name__ == name
    assert value is getattr(importlib.import_module(value.__module__), name)


def test_another_name_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Flow'"):
        symmbench.symmflow.Flow  # noqa: B018 (reading it is the test)
