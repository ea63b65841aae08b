"""A segmenter that was made elsewhere as the judge of alignment: the same method that `bench run` compares."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ... import methods
from ...datasets import Card
from ...methods import Foreign, Method
from ...symmflow.errors import InputError, WrongValue, unknown
from ...symmflow.recipe import check_table
from ..records.missing import Missing
from .aligners import seeing
from .judge import Align, Found, Judge, Named, Role


class Segmenter(Judge):
    """A model of another project, opened and run as the method that it is of."""

    role: Role = "aligner"
    what = "a segmenter that was made elsewhere"

    def __init__(self, named: Named) -> None:
        self.named, self.name = named, named.name
        self.runs = (methods.base(named.name),)
        self.kind: type[Method] = methods.method(named.name)
        own = self.kind.Inference.model_fields
        if strange := [option for option in named.options if option not in own]:
            raise unknown(f"option of {self.kind.name}", strange[0], own)
        with _flags_of_judges():
            chosen = check_table(self.kind.Inference, named.options, f"--set for {self.kind.name}")
        self.options = chosen.model_dump(mode="json", exclude_defaults=True)

    def find(self, card: Card) -> Found | Missing:
        """What is named on a hub is fetched, as it is for a method."""
        if self.kind.ready_made or not self.kind.stepless:
            raise InputError(
                f"{self.name} is no network that sees the same in an image every time; name hf: or mmseg:."
            )
        if not (support := self.kind.supports("ss", None, card)):
            return Missing(support.reason)
        opened = self._opened(card)
        version = f" v{self.kind.version}" if self.kind.version > 1 else ""
        options = "".join(f" {name}={_plain(value)}" for name, value in sorted(self.options.items()))
        identity = f"{self.kind.name}{version}{options}:{opened.fingerprint}"
        return Found(self.name, self.role, identity, opened.path, self.named)

    def load(self, found: Found, card: Card, device: str) -> Align:
        opened = self._opened(card)
        with _flags_of_judges():
            return seeing(self.kind.load(opened, card, device, self.options).segment, device)

    def _opened(self, card: Card) -> Foreign:
        with _flags_of_judges():
            opened = methods.checkpoint(self.name, card.name, self.named.checkpoint, self.named.trust)
        if not isinstance(opened, Foreign):
            raise InputError(f"{self.name} was trained here; name a model that was not: hf:FOLDER, mmseg:CONFIG.")
        return opened


@contextmanager
def _flags_of_judges() -> Iterator[None]:
    """What a method says of its flags is said of a judge's: `--checkpoint` is `--judge-checkpoint`."""
    try:
        yield
    except InputError as error:
        said = re.sub(r"(?<!\S)--method\b", "--judge", str(error))
        said = re.sub(r"(?<!\S)--(set|checkpoint)\b", r"--judge-\1", said)
        if isinstance(error, WrongValue):  # of a recipe, were it no judge's
            raise InputError(f"{said}; mend the --judge-set.") from error
        error.args = (said,)
        raise


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
