"""The classes of a segmenter that was made elsewhere, held against a card's: as many, the same ones, in which order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from ...datasets import Card
from ...symmflow.errors import InputError
from ...symmflow.names import one_line
from .baselines import misnamed

TRAINED = "give one that was trained on this data set"


def class_order(
    named: Sequence[str] | None, count: int, card: Card, where: str, how: Literal["card", "by-name"] = "card"
) -> tuple[int, ...] | None:
    """The card's id of each of a model's class ids; None: they are the same.

    `named`: what the model calls its `count` classes; None, or transformers' LABEL_0, LABEL_1, ...: it does not say,
    and they are taken for the card's. `how`: whether another order than the card's is refused, or mended by the names.
    Spelling may differ in case, punctuation, and an ending "other" or "stuff".
    """
    if count != len(card.classes):
        raise InputError(f"the model in {where} has {count} classes and {card.name} {len(card.classes)}; {TRAINED}.")
    if named is None or len(named) != count or _says_nothing(named) or _says_nothing(card.classes):
        return None
    if (known := misnamed(named)) is not None:
        raise InputError(
            f"the classes of the model in {where} are named as {known.model} was before its names were corrected; get "
            "its config.json again."
        )
    theirs, ours = [list(map(spelt, names)) for names in (named, card.classes)]
    if theirs == ours:
        return None
    first = next(i for i, (a, b) in enumerate(zip(theirs, ours, strict=True)) if a != b)
    differs = f"{first} is {one_line(named[first], 80)!r} there and {card.classes[first]!r} here"
    if sorted(theirs) != sorted(ours):
        raise InputError(f"the model in {where} has other classes than {card.name}: {differs}; {TRAINED}.")
    if how == "card":
        raise InputError(
            f"the model in {where} has the classes of {card.name} in another order: {differs}; {TRAINED}, or put them "
            "into its order by their names: classes=by-name."
        )
    return tuple(map(ours.index, theirs))


def spelt(name: str) -> str:
    """`Wall_other` as `wall`: what of a name two spellings have in common."""
    words = re.sub(r"[\W_]+", " ", name.casefold()).split()
    return " ".join(words[:-1] if words[1:] and words[-1] in ("other", "stuff") else words)


def _says_nothing(names: Sequence[str]) -> bool:
    """Numbers, with or without transformers' word before them."""
    return all(re.fullmatch(r"(label_)?\d+", name.casefold()) for name in names)
