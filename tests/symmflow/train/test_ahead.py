"""Noise that is drawn before it is asked for: the same bits, by whoever draws them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import torch

from symmbench.symmflow.errors import InputError
from symmbench.symmflow.noise import Draws
from symmbench.symmflow.train.ahead import KeptDraws, made_ahead, packed, unpacked
from symmbench.symmflow.train.feed import Feed, MicroBatch

IDS, AGAIN = ["a", "b", "a"], [0, 0, 1]
PLAIN = Draws(3, IDS, "train/7", AGAIN)


def ask(draws: Draws) -> list[torch.Tensor]:
    """As an objective does."""
    return [
        draws.uniform((3, 8, 8), "dequantize"),
        draws.normal((3, 8, 8), "x"),
        draws.normal((1, 8, 8), "y", 2),
        draws.uniform((), "t"),
    ]


def test_kept_draws_are_those_that_are_drawn_when_they_are_asked_for() -> None:
    first = KeptDraws(3, IDS, "train/7", AGAIN)
    assert all(map(torch.equal, ask(first), ask(PLAIN)))
    ahead = KeptDraws(3, IDS, "train/7", AGAIN)
    ahead.draw(first.made)
    handed = pickle.loads(pickle.dumps(ahead))
    assert list(handed.made) == list(first.made)
    assert all(map(torch.equal, ask(handed), ask(PLAIN)))
    assert torch.equal(handed.normal((5,), "x"), PLAIN.normal((5,), "x"))  # of a shape that nobody foresaw
    assert not torch.equal(*handed.normal((5,), "x")[[0, 2]])  # the second time of a sample in a step


def test_bfloat16_goes_through_a_pipe() -> None:
    for dtype in (torch.bfloat16, torch.float16, torch.float32, torch.int64):
        tensor = torch.arange(-3, 3).to(dtype)
        back = unpacked(pickle.loads(pickle.dumps(packed(tensor))))
        assert back.dtype == dtype and torch.equal(back, tensor)


@pytest.mark.parametrize("labels", [[0, 255], [0, 256], [-1, 3], [[0, 1], [1, 1]]])
def test_labels_go_through_a_pipe_as_they_are(labels: list[Any]) -> None:
    batch = MicroBatch(torch.ones(2, 1), torch.tensor(labels), KeptDraws(0, ["a", "b"]))
    back = pickle.loads(pickle.dumps(batch))
    assert back.labels.dtype == torch.int64 and torch.equal(back.labels, batch.labels)


@pytest.mark.parametrize("workers", [0, 2])
def test_after_the_first_batch_noise_comes_with_the_batch(
    workers: int, blobs: Any, recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    each = Draws._each

    def counted(self: Draws, shape: Any, stream: str, *rest: Any) -> torch.Tensor:
        drawn.append(stream)
        return each(self, shape, stream, *rest)

    monkeypatch.setattr(Draws, "_each", counted)
    by_this_process = []
    for batch in Feed(blobs, recipe()).steps(0, 4, workers):
        before = len(drawn)
        given = ask(batch.draws)
        by_this_process.append(len(drawn) - before)
        plain = Draws(0, batch.draws.ids, batch.draws.scope, batch.draws.again)
        assert all(map(torch.equal, given, ask(plain)))
    assert by_this_process == [4, 0, 0, 0]


@pytest.mark.parametrize("workers", [0, 1])
def test_what_a_worker_cannot_make_is_told_in_its_sentence(workers: int) -> None:
    def make(number: int) -> int:
        if number == 2:
            raise InputError("the image of sample 2 is damaged; get it again.")
        return number

    made = made_ahead(make, range(4), workers)
    assert [next(made), next(made)] == [0, 1]
    with pytest.raises(InputError, match=r"^the image of sample 2 is damaged; get it again\.$"):
        next(made)
