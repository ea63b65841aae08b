"""Protocols: how a figure is measured, frozen and hashed. Only results of one protocol may be compared."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ...symmflow.errors import InputError
from ...symmflow.names import Name, SlashedName, Source
from .hashes import content_hash
from .reading import read_json
from .rules import DEFAULT, Rules

if TYPE_CHECKING:
    from ...datasets import Card, Manifest

NAMES = ("name", "rules", "reference_name")
"""Fields that say what a protocol is called, not what it is."""


class Protocol(BaseModel):
    """The measuring side. Its hash is the only thing that decides whether two results may be compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: SlashedName
    """Readable: `digit-scenes/sis@1`; under other rules than ours `digit-scenes/sis:sdm@1`."""
    rules: Rules
    """What it was made of."""
    version: int
    """Of the rules."""
    task: Name
    dataset: Source
    split: Name
    n: int
    ids_sha256: str
    """Of the evaluated ids, in order; a limit changes it."""
    content_sha256: str
    """Of the images and labels of the whole split."""
    classes: Annotated[tuple[str, ...], Field(max_length=10_000)]
    shape: tuple[int, ...]
    masks: bool
    """Labels are masks, not one class an image."""
    policy: dict[str, Any]
    """Rounding, ignored pixels, absent classes, reference set, samples a label."""
    judges: dict[str, str | None]
    """By role, `name:sha256` of those that the metrics need, or None where there is none."""
    reference: str = ""
    """SHA-256 of the mean and covariance that syntheses are held against in place of the real images."""
    reference_name: str = ""
    """What their file was called."""
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
                "name": title(self.dataset, self.task, rules, self.reference_name),
                "rules": rules,
                "version": rules.version,
                "policy": dict(policy) | _reference_policy(self.reference),
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
    reference: tuple[str, str] = ("", ""),
) -> Protocol:
    """The protocol of a task on the samples of a manifest under `rules`.

    `reference`: SHA-256 and name of statistics in place of the real images.
    """
    return Protocol(
        name=title(card.name, task, rules, reference[1]),
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
        policy=dict(policy) | _reference_policy(reference[0]),
        reference=reference[0],
        reference_name=reference[1],
        judges=dict(judges),
        metrics=dict(metrics),
    )


def title(dataset: str, task: str, rules: Rules, reference: str = "") -> str:
    own = "" if rules.name == DEFAULT else f":{rules.name}"
    return f"{dataset}/{task}{own}@{rules.version}{f'+{reference}' if reference else ''}"


def _reference_policy(reference: str) -> dict[str, str]:
    """What the policy says of another reference than the real images."""
    return {"reference": "mean and covariance of features, as given"} if reference else {}


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
    found = read_json(Protocol, file, "a protocol of this symmbench", "run its cells again")
    if re.fullmatch("[0-9a-f]{16}", name) and found.hash != name:
        raise InputError(f"{file} has been edited: what it says has the hash {found.hash}; run its cells again.")
    return found


def fields_apart(first: str, second: str, folders: Sequence[Path]) -> list[str]:
    """Fields in which two protocols differ, by their hashes; nothing where one's file is not in the stores."""
    a, b = read_protocol(first, folders), read_protocol(second, folders)
    return [] if a is None or b is None else differing(a.model_dump(mode="json"), b.model_dump(mode="json"))
