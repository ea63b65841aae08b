"""Names, paths and text from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from symmbench.symmflow.errors import InputError
from symmbench.symmflow.names import (
    LONGEST_NAME,
    Name,
    SlashedName,
    check_given,
    check_path,
    fault,
    one_line,
    printable,
)

ANY = st.text(st.characters())  # halves of characters too


@given(ANY)
def test_what_is_printable_steers_nothing_and_can_be_written(text: str) -> None:
    shown = printable(text)
    assert printable(shown) == shown and shown.encode().decode() == shown
    assert not any(c in shown for c in "\x1b\x07\x08\r\x7f\x9b\u202e\u2066\u2028\ufeff\ud800")
    plain = "".join(c for c in text if (c.isascii() and c.isprintable()) or c in "\n\t")
    assert printable(plain) == plain


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_reads_back_what_was_made_printable(text: str) -> None:
    bare = text.replace("\\", "").replace('"', "")
    shown = printable(json.dumps(bare, ensure_ascii=False))
    if "\\U" not in shown:  # beyond what four digits hold
        assert json.loads(shown) == bare


@given(ANY, st.integers(20, 100))
def test_one_line_is_one_line(text: str, longest: int) -> None:
    shown = one_line(text, longest)
    assert "\n" not in shown and len(shown) <= 10 * (longest + 3)


@given(ANY)
def test_a_name_without_fault_stays_in_its_folder(name: str) -> None:
    if not fault(name):
        path = Path("/folder") / name
        assert path.parent == Path("/folder") and path.name == name and ".." not in path.parts
        assert len(name.encode()) <= LONGEST_NAME and printable(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "symmflow",
        "semflow[unperturbed]",
        "hf:some model",
        "fid[mobilenet-v2]",
        "digits",
        "数字",
        "a" * 120,
        "x=1",
        "a@1",
    ],
)
def test_names_that_are(name: str) -> None:
    assert fault(name) == "" and TypeAdapter(Name).validate_python(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "..", ".hidden", "a/b", "a\\b", "a\0b", "\ud800", "a" * 121, "é" * 61, "<b>", "a|b", "a\nb", "`x`"],
)
def test_names_that_are_none(name: str) -> None:
    assert fault(name)
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(name)


def test_names_with_slashes_lead_down() -> None:
    kind = TypeAdapter(SlashedName)
    assert kind.validate_python("digits/symmflow[official]") == "digits/symmflow[official]"
    for name in ("/digits", "digits/", "a//b", "a/../b", "../a", "a/."):
        with pytest.raises(ValidationError):
            kind.validate_python(name)


def test_what_is_given_is_checked_at_any_depth() -> None:
    assert check_given({"a": ["b", Path("c")], "d": 1.5, "e": None}) == {"a": ["b", Path("c")], "d": 1.5, "e": None}
    for wrong in (
        "a\0",
        "\udcff",
        "x" * 5000,
        Path("a\0"),
        Path("x" * 256),
        ["\0"],
        {"\0": 1},
        {"a": ("\ud800",)},
        float("nan"),
    ):
        with pytest.raises(InputError):
            check_given(wrong)
    assert check_path(Path("x" * 255)) == Path("x" * 255)
