"""Protocols: how a figure is measured, frozen and hashed. Only results of one protocol may be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ...symmflow.errors import InputError
from .hashes import content_hash
from .rules import DEFAULT, Rules

if TYPE_CHECKING:
    from ...datasets import Card, Manifest

NAMES = ("name", "rules")
"""Fields that say what a protocol is called, not what it is."""


class Protocol(BaseModel):
    """The measuring side. Its hash is the only thing that decides whether two results may be compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Readable: `digit-scenes/sis@1`; under other rules than ours `digit-scenes/sis:sdm@1`."""
    rules: Rules
    """What it was made of."""
    version: int
    """Of the rules."""
    task: str
    dataset: str
    split: str
    n: int
    ids_sha256: str
    """Of the evaluated ids, in order; a limit changes it."""
    content_sha256: str
    """Of the images and labels of the whole split."""
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    masks: bool
    """Labels are masks, not one class an image."""
    policy: dict[str, Any]
    """Rounding, ignored pixels, absent classes, reference set, samples a label."""
    judges: dict[str, str | None]
    """By role, `name:sha256` of those that the metrics need, or None where there is none."""
    metrics: dict[str, int]
    """Versions of the metrics. A first version does not count in the hash, so that metrics can be added."""

    @property
    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 of what it says, names left out."""
        raised = {name: version for name, version in self.metrics.items() if version != 1}
        return content_hash(self.model_copy(update={"metrics": raised}), leave_out=NAMES)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Classes whose pixels count for nothing."""
        return tuple(self.policy.get("ignored classes", ()))

    @property
    def card(self) -> Card:
        """What it says of the data, as a card: for data that are not on this machine."""
        from ...datasets import Card

        return Card(
            name=self.dataset,
            title=self.dataset,
            tasks=(self.task,),
            classes=self.classes,
            shape=self.shape,
            splits={self.split: self.n},
            licence="",
            palette=((0, 0, 0),) * len(self.classes) if self.masks else None,
            preprocessing=self.policy["preprocessing"],
        )

    def under(self, rules: Rules, policy: Mapping[str, Any], metrics: Mapping[str, int], roles: set[str]) -> Protocol:
        """The same samples measured under other rules. `roles`: of the judges that the metrics need."""
        return self.model_copy(
            update={
                "name": title(self.dataset, self.task, rules),
                "rules": rules,
                "version": rules.version,
                "policy": dict(policy),
                "metrics": dict(metrics),
                "judges": {role: self.judges.get(role) for role in self.judges if role in roles},
            }
        )


def make(
    task: str,
    card: Card,
    samples: Manifest,
    rules: Rules,
    *,
    policy: Mapping[str, Any],
    judges: Mapping[str, str | None],
    metrics: Mapping[str, int],
) -> Protocol:
    """The protocol of a task on the samples of a manifest under `rules`."""
    return Protocol(
        name=title(card.name, task, rules),
        rules=rules,
        version=rules.version,
        task=task,
        dataset=card.name,
        split=samples.split,
        n=len(samples),
        ids_sha256=samples.ids_sha256,
        content_sha256=samples.content_sha256,
        classes=card.classes,
        shape=card.shape,
        masks=card.has_masks,
        policy=dict(policy),
        judges=dict(judges),
        metrics=dict(metrics),
    )


def title(dataset: str, task: str, rules: Rules) -> str:
    own = "" if rules.name == DEFAULT else f":{rules.name}"
    return f"{dataset}/{task}{own}@{rules.version}"


def differing(first: Any, second: Any, prefix: str = "") -> list[str]:
    """Fields in which two protocols, as plain dictionaries, differ; names do not count."""
    if isinstance(first, dict) and isinstance(second, dict):
        return [
            field
            for key in dict.fromkeys([*first, *second])
            if prefix or key not in NAMES
            for field in differing(first.get(key), second.get(key), f"{prefix}.{key}")
        ]
    return [] if first == second else [prefix.lstrip(".")]


def read_protocol(name: str, folders: Sequence[Path]) -> Protocol | None:
    """A protocol by its hash, from the first store that has it."""
    files = [folder / "protocols" / f"{name}.json" for folder in folders]
    file = next((f for f in files if f.is_file()), None)
    if file is None:
        return None
    try:
        return Protocol.model_validate(json.loads(file.read_text()))
    except (ValidationError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"{file} is not a protocol of this symmbench ({first}); run its cells again.") from None


def fields_apart(first: str, second: str, folders: Sequence[Path]) -> list[str]:
    """Fields in which two protocols differ, by their hashes; nothing where one's file is not in the stores."""
    a, b = read_protocol(first, folders), read_protocol(second, folders)
    return [] if a is None or b is None else differing(a.model_dump(mode="json"), b.model_dump(mode="json"))
