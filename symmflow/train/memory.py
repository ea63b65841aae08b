"""A training for which memory does not suffice."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from ..errors import InputError
from ..memory import is_out_of_memory

if TYPE_CHECKING:
    from .loop import Trainer

P = ParamSpec("P")
R = TypeVar("R")


def in_memory(train: Callable[Concatenate[Trainer, P], R]) -> Callable[Concatenate[Trainer, P], R]:
    """Running out of memory becomes an `InputError` that says what takes less; the batch, so what is learnt, stays."""

    @wraps(train)
    def told(trainer: Trainer, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return train(trainer, *args, **kwargs)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        config = trainer.recipe.train
        again = "" if config.gradient_checkpointing else "set train.gradient_checkpointing = true, "
        raise InputError(
            f"memory does not suffice to train {trainer.recipe.name} with a batch of {config.batch} in "
            f"{config.accumulate} part{'s' if config.accumulate > 1 else ''}; {again}raise train.accumulate, which "
            "leaves the batch as it is, or train on more processes."
        )

    return told
