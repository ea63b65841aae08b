"""Mistyped names: the nearest of all that there are, none where none is near, and the keys of the right table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symmbench.symmflow.errors import SHOWN, nearest, unknown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "-m", "Symmflow"), "unknown method 'Symmflow'; did you mean 'symmflow'?"),
        (("run", "-d", "mnits"), "did you mean 'mnist'?"),
        (("run", "-t", "seg"), "did you mean 'segment'?"),
        (("run", "-m", "quaternion"), "unknown method 'quaternion'; choose one of: cnn, "),
        (("train", "-r", "two-spiral/symmflow"), "did you mean 'two-spirals/symmflow'?"),
        (("train", "-r", "zzz"), "unknown recipe 'zzz'; choose one of: "),
        (
            ("train", "-r", "digits/cnn", "--set", "optimizer.lrr=1"),
            "optimizer.lrr: there is no such key; did you mean 'lr'; optimizer takes lr, weight_decay, betas, clip;",
        ),
        (
            ("train", "-r", "digits/cnn", "--set", "schedule.zzz=1"),
            "schedule.zzz: there is no such key; schedule takes kind, steps, warmup, ends;",
        ),
        (("train", "-r", "digits/cnn", "--set", "optimzer.lr=1"), "did you mean 'optimizer'; it takes name, method"),
        (("train", "-r", "digit-scenes/semflow", "--set", "options.pertub=1"), "did you mean 'perturb'"),
        (("lst",), "No such command 'lst'. Did you mean 'list'?"),
    ],
)
def test_what_was_meant(bench: Any, arguments: tuple[str, ...], said: str) -> None:
    done = bench(*arguments)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr


@given(st.integers(0, 199), st.integers(0, 19))
def test_the_whole_list_is_looked_at(place: int, cut: int) -> None:
    """A name that lost a letter is found wherever it stands, not only among those that are shown."""
    names = [f"{chr(97 + i % 26) * 3}-{i:03d}-{chr(97 + i // 26) * 12}" for i in range(200)]
    wrong = names[place][:cut] + names[place][cut + 1 :]
    assert nearest(wrong, names) == names[place]


def test_what_is_not_shown_is_counted() -> None:
    said = str(unknown("thing", "?", [f"n{i:03d}" for i in range(SHOWN + 7)]))
    assert said.endswith(f"n{SHOWN - 1:03d} and 7 more.") and "did you mean" not in said
    assert str(unknown("thing", "x", [])) == "unknown thing 'x'; choose one of: none registered."
