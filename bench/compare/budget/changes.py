"""In what two cells differ that their figures of a metric depend on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ....symmflow.errors import InputError
from ... import metrics
from ...metrics import Groups
from ...protocols import Protocol, read_protocol
from ...protocols.protocol import differing
from ...records import Code, Record, Stored
from ..departures import base
from ..difference import seedless
from ..naming import fingerprint, recipe


@dataclass(frozen=True)
class Change:
    """One thing that differs."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name}: {self.before} -> {self.after}"


SAMPLES, LABELS, RUN, SEED = "sample count", "samples a label", "training run", "seed"
VERSION, DEFINITION = "version of the method", "definition of the metric"
OUTPUTS, SCORING = "code of the outputs", "code of the figures"
CODE = frozenset({OUTPUTS, SCORING})
PROTOCOL = {
    "policy.uint8": "rounding",
    "policy.ignored classes": "class policy",
    "policy.ignored pixels": "class policy",
    "policy.absent classes": "class policy",
    "policy.scored at": "scored size",
    "policy.preprocessing": "view",
    "policy.reference": "reference",
    "reference": "reference",
    "shape": "view",
    "dataset": "view",
    "classes": "classes",
    "masks": "classes",
    "version": "version of the rules",
    "policy.samples per label": LABELS,
    "split": "split",
    "n": SAMPLES,
    "ids_sha256": SAMPLES,
    "content_sha256": "data",
}
"""What a field of the protocol is called."""
RULED = {"policy.uint8": "rounding", "policy.ignored classes": "background", "policy.scored at": "scored_at"}
"""Which field of its rules decides one, and says it in a word."""
MACHINE = ("python", "platform", "cpu", "gpu", "cuda", "threads", "batch_sizes")
"""What a record says of where it was made, beside its libraries."""
UNMOVED = ("rules", "task")
"""What the protocol says in words, or for its own making: what follows for the figure stands in its other fields."""
_CELL: dict[str, Callable[[Record], Any]] = {
    "method": lambda r: base(r.method),
    VERSION: lambda r: r.version,
    RUN: lambda r: f"{recipe(r)} {fingerprint(r)}",
    "steps": lambda r: r.steps,
    "solver": lambda r: r.solver,
    "options": lambda r: ", ".join(f"{name}={value}" for name, value in sorted(r.chosen.items())) or "the method's own",
    "precision": lambda r: r.precision,
    "noise": lambda r: r.noise,
    LABELS: lambda r: r.samples_per_mask,
}


def changes(metric: str, a: Stored, b: Stored) -> dict[str, Change]:
    """By name, all that differs from `a` to `b` and that a metric depends on. Empty for the same cell."""
    first, second = a.record, b.record
    found = [Change(name, str(of(first)), str(of(second))) for name, of in _CELL.items() if of(first) != of(second)]
    if first.seed != second.seed and not (seedless(first) and seedless(second)):
        found.append(Change(SEED, str(first.seed), str(second.seed)))
    for name, one, two in ((OUTPUTS, first.outputs, second.outputs), (SCORING, first.scoring, second.scoring)):
        if other := _other(one, two):
            found.append(Change(name, one.digest[:6] or "none", f"{two.digest[:6] or 'none'} ({other})"))
    if first.protocol["hash"] != second.protocol["hash"]:
        found += _of_protocols(metric, *(protocol_of(cell) for cell in (a, b)))
    named: dict[str, Change] = {}
    for change in found:
        named.setdefault(change.name, change)
    for raised, code in ((VERSION, OUTPUTS), (DEFINITION, SCORING)):
        if raised in named:  # a version says of its code that it is another
            named.pop(code, None)
    return named


def unrecorded(a: Stored, b: Stored) -> list[Change]:
    """What may part two figures between which `changes` has nothing: libraries, machine, or what no record tells."""
    sides: list[dict[str, Any]] = [dict(cell.record.provenance) for cell in (a, b)]
    said = [one.get("packages", {}) | {name: one[name] for name in MACHINE if name in one} for one in sides]
    names = [name for name in {**said[0], **said[1]} if said[0].get(name) != said[1].get(name)]
    found = [Change(name, *(str(one.get(name, "none")) for one in said)) for name in names]
    return found or [Change("what no record tells", "one evaluation", "another")]


def _other(one: Code, two: Code) -> str:
    """In what the code of both is another. Files of one alone are a method's or judge's, told by its name."""
    if not two.digest:
        one, two = two, one
    if one.digest and one.of != two.of:
        both = sorted(one.files.keys() & two.files.keys())
        files = [{name: code.files[name] for name in both} for code in (one, two)]
        one, two = (Code(digest=str(kept), files=kept) for kept in files)
    return one.changed(two)


def protocol_of(cell: Stored) -> Protocol:
    found = read_protocol(cell.record.protocol["hash"], [cell.store.root])
    if found is None:
        raise InputError(f"{cell.store.root} lacks the protocol of {cell.folder}; copy protocols/ with the records.")
    return found


def _of_protocols(metric: str, a: Protocol, b: Protocol) -> list[Change]:
    known, found = metrics.known(metric), []
    said = a.model_dump(mode="json"), b.model_dump(mode="json")
    split = a.split != b.split
    for field in differing(*said):
        kind, _, inner = field.partition(".")
        name = PROTOCOL.get(field, f"protocol's {field}")
        if kind in UNMOVED or (kind == "metrics" and inner != metrics.family(metric)):
            continue
        if kind == "metrics":
            name = DEFINITION
        elif kind == "judges":
            if known is not None and known.judge != inner:
                continue
            name = inner
        elif split and name in (SAMPLES, "data"):  # another split has other images, and another number of them
            continue
        elif known is not None and name == ("class policy" if issubclass(known.kind, Groups) else "reference"):
            continue  # a distance of sets knows no classes, and it alone a reference
        before, after = (_value(one, field) for one in said)
        found.append(Change(name, before, after))
    found.sort(key=lambda change: change.before.isdigit(), reverse=True)  # 60 -> 120 says more than two hashes
    return found


def _value(said: dict[str, Any], field: str) -> str:
    value: Any = said
    field = f"rules.{RULED[field]}" if field in RULED else field
    for part in field.split(".", 1):
        value = value.get(part) if isinstance(value, dict) else None
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return (text if len(text) <= 40 else f"{text[:24]}...") or "none"
