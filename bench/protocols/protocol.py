"""Protocols: how a figure is measured, frozen and hashed. Only results of one protocol may be compared."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ...datasets import Split
from ...symmflow.errors import InputError, unknown

METRIC_VERSIONS = {
    "accuracy": 1,
    "top5": 1,
    "brier": 1,
    "ece": 1,
    "miou": 1,
    "pixel_accuracy": 1,
    "fid": 1,
    "fid_infinity": 1,
    "kid": 1,
    "lpips_gt": 1,
    "lpips_diversity": 1,
    "feature_diversity": 1,
    "alignment": 1,
    "cycle_miou": 1,
    "cycle_accuracy": 1,
    "cycle_lpips": 1,
    "cycle_features": 1,
}
"""Raised whenever the definition of a metric changes, so that old figures stay apart from new ones."""

DEFAULT = "harness"


EVALUATOR_OF = {
    **dict.fromkeys(("fid", "fid_infinity", "kid", "feature_diversity", "cycle_features"), "extractor"),
    **dict.fromkeys(("lpips_gt", "lpips_diversity", "cycle_lpips"), "lpips"),
    "alignment": "aligner",
}
"""Metrics that an independent network is needed for, and which."""


class Rules(BaseModel):
    """A named protocol: how tasks are measured, whatever the data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: int
    title: str
    source: str = ""
    split: dict[str, str] = {}
    """Of tasks; the caller chooses that of the others."""
    samples_per_label: int | None = None
    """None: the caller chooses."""
    extractor: str | None = None
    background: Literal["counted", "ignored"]
    """Ignored: pixels whose truth is the class named background count for nothing, and the class is not in the mean."""
    rounding: Literal["round", "truncate"]
    """Of synthesized images to 8 bits."""
    metrics: dict[str, tuple[str, ...]]
    """Of each task, by family."""
    departs: tuple[str, ...] = ()
    """Where the paper or its code measures otherwise than these rules can."""

    def split_of(self, task: str) -> str | None:
        return self.split.get(task)

    def ignored(self, classes: tuple[str, ...]) -> tuple[str, ...]:
        """The classes that do not count."""
        return tuple(c for c in classes if c == "background") if self.background == "ignored" else ()


@lru_cache(maxsize=1)
def all_rules() -> dict[str, Rules]:
    """The named protocols, ours first."""
    tables = tomllib.loads((Path(__file__).parent / "protocols.toml").read_text())
    return {name: Rules(name=name, **table) for name, table in tables.items()}


def rules(name: str, task: str | None = None) -> Rules:
    """A named protocol, with `task` among its tasks."""
    known = all_rules()
    if name not in known:
        raise unknown("protocol", name, known)
    if task and not known[name].metrics.get(task):
        raise InputError(
            f"protocol {name} does not say how to measure {task}; it has {', '.join(known[name].metrics)}."
        )
    return known[name]


class Protocol(BaseModel):
    """The measuring side. Its hash is the only thing that decides whether two results may be compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Readable: `digit-scenes/sis@1`; under other rules than ours `digit-scenes/sis:sdm@1`."""
    rules: str
    """The named protocol."""
    version: int
    """Of the named protocol."""
    task: str
    dataset: str
    split: str
    n: int
    ids_sha256: str
    """Of the evaluated ids, in order; a limit changes it."""
    content_sha256: str
    """Of the evaluated images and labels."""
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    policy: dict[str, Any]
    """Rounding, ignored pixels, absent classes, reference set, samples a label."""
    evaluators: dict[str, str | None]
    """Extractor, segmenter or classifier, LPIPS backbone: `name:sha256`, or None where there is none."""
    metrics: dict[str, int]
    """Versions of the metrics."""

    @property
    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 of the canonical JSON, names left out."""
        return content_hash(self.model_dump(mode="json", exclude={"name", "rules"}))


def content_hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def make(
    task: str,
    split: Split,
    rules: Rules,
    *,
    samples_per_label: int,
    evaluators: dict[str, str | None],
) -> Protocol:
    """The protocol of a task on the samples of `split` under `rules`."""
    card = split.card
    return Protocol(
        name=title(card.name, task, rules),
        rules=rules.name,
        version=rules.version,
        task=task,
        dataset=card.name,
        split=split.name,
        n=len(split),
        ids_sha256=split.ids_sha256,
        content_sha256=split.content_sha256,
        classes=card.classes,
        shape=card.shape,
        policy=policy(task, card.classes, card.has_masks, rules, samples_per_label),
        evaluators=evaluators,
        metrics={name: METRIC_VERSIONS[name] for name in rules.metrics[task]},
    )


def title(dataset: str, task: str, rules: Rules) -> str:
    own = "" if rules.name == DEFAULT else f":{rules.name}"
    return f"{dataset}/{task}{own}@{rules.version}"


def policy(task: str, classes: tuple[str, ...], masks: bool, rules: Rules, samples_per_label: int) -> dict[str, Any]:
    """What rules come to for a task on such data."""
    chosen: dict[str, Any] = {"preprocessing": "none: images as the data set's card says"}
    if masks:
        chosen |= {
            "ignored classes": list(rules.ignored(classes)),
            "ignored pixels": 255,
            "absent classes": "left out of the mean",
            "accumulation": "over the data set",
        }
    if task == "cls":
        chosen |= {"calibration bins": 15}
    if task in ("sis", "cycle"):
        chosen |= {"uint8": f"{rules.rounding}, after clamping to [-1, 1]"}
    if task == "sis":
        chosen |= {
            "reference": "the real images of the same ids, rounded to 8 bits",
            "samples per label": samples_per_label,
            "kid": "all pairs, polynomial kernel of degree 3",
            "lpips pairs": "all pairs of samples of a label",
        }
    return chosen


def differing(first: Any, second: Any, prefix: str = "") -> list[str]:
    """Fields in which two protocols, as plain dictionaries, differ; names do not count."""
    if isinstance(first, dict) and isinstance(second, dict):
        return [
            field
            for key in dict.fromkeys([*first, *second])
            if prefix or key not in ("name", "rules")
            for field in differing(first.get(key), second.get(key), f"{prefix}.{key}")
        ]
    return [] if first == second else [prefix.lstrip(".")]


def read_protocol(name: str, folders: Sequence[Path]) -> dict[str, Any] | None:
    """A protocol by its hash, from the first store that has it."""
    files = [folder / "protocols" / f"{name}.json" for folder in folders]
    file = next((f for f in files if f.is_file()), None)
    return None if file is None else dict(json.loads(file.read_text()))


def fields_apart(first: str, second: str, folders: Sequence[Path]) -> list[str]:
    """Fields in which two protocols differ, by their hashes; nothing where one's file is not in the stores."""
    a, b = read_protocol(first, folders), read_protocol(second, folders)
    return [] if a is None or b is None else differing(a, b)
