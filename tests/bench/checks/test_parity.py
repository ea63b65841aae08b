"""The figures whose values are known: the questions of `bench doctor`, asked one by one."""

from collections.abc import Callable, Iterator

import pytest

from symmbench.bench.checks.parity import QUESTIONS, Parity


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.__name__)
def test_figures_are_the_known_ones(question: Callable[[], Iterator[Parity]]) -> None:
    try:
        asked = list(question())
    except ImportError as error:
        pytest.skip(f"{error.name} is not installed")
    assert asked and all(found.agrees for found in asked), [found.said for found in asked]


def test_apart_is_relative_and_absolute_where_the_known_figure_is_0() -> None:
    assert Parity("", 1.01, 1.0, 0.011).agrees and not Parity("", 1.01, 1.0, 0.009).agrees
    assert Parity("", 1e-9, 0.0, 1e-8).agrees and not Parity("", 1e-7, 0.0, 1e-8).agrees
    assert not Parity("", float("nan"), 1.0, 1.0).agrees
