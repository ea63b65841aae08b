"""What the command line makes of errors that know nothing of it."""

import errno
import inspect
from pathlib import Path

import pytest

from symmbench.bench.cli.remedies import REMEDIES, remedied
from symmbench.symmflow import errors
from symmbench.symmflow.errors import Damaged, InputError, Unwritable


def test_every_fact_has_a_remedy_and_makes_one_sentence() -> None:
    kinds = {c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, InputError)}
    kinds -= {InputError, errors.Screen}  # a screen says all by itself
    assert kinds == set(REMEDIES)
    assert remedied(Damaged("it is damaged")) == "it is damaged; train it again, or download it again."
    assert remedied(InputError("too small; choose a larger one.")) == "too small; choose a larger one."


def test_the_remedy_of_a_full_disk_is_space() -> None:
    def message(number: int) -> str:
        return remedied(Unwritable(Path("results"), OSError(number, "why")))

    assert message(errno.ENOSPC).startswith("cannot write results: why; free some space")
    assert message(errno.EDQUOT).startswith("cannot write results: why; free some space")
    assert message(errno.EROFS).startswith("cannot write results: why; choose another folder with --out")
    assert message(errno.EEXIST).startswith("cannot write results: why; a file lies where a folder should be")


def test_an_error_in_anothers_name_keeps_its_remedy() -> None:
    class Unusable(InputError):
        pass

    def passed_on(message: str) -> str:
        with pytest.raises(Unusable) as caught:
            try:
                raise Damaged("it is damaged")
            except Damaged as error:
                raise Unusable(message) from error
        return remedied(caught.value)

    assert passed_on("it is damaged") == "it is damaged; train it again, or download it again."
    assert passed_on("something else; do this.") == "something else; do this."
