"""The command that would measure what one thing alone does to a figure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .... import methods
from ....symmflow.errors import InputError
from ... import metrics, tasks
from ...protocols import DEFAULT, Rules, all_rules
from ...records import Record, Stored
from ..naming import fingerprint
from .changes import DEFINITION, LABELS, PROTOCOL, RULED, RUN, SAMPLES, SEED, protocol_of

_RULES = {PROTOCOL[field]: rule for field, rule in RULED.items()}
"""Which field of a protocol's rules decides it."""
RESCORED = ("class policy", DEFINITION)
"""What needs no network: it can be scored again from the evidence."""
FIELDS = {"precision": "precision", "steps": "steps", "solver": "solver", SAMPLES: "limit", LABELS: "samples_per_mask"}
"""Which field of the cell decides it."""


@dataclass(frozen=True)
class Remedy:
    """A command, and what has to be there first."""

    name: str
    """What it would measure."""
    command: str
    """Empty: none here measures it alone."""
    first: str = ""


def remedy(a: Stored, b: Stored, name: str) -> Remedy:
    """The cell of `a` with `name` alone as `b` has it."""
    record, asked = a.record, b.record
    own, first = protocol_of(a).rules, ""
    rules = own
    if name in _RULES and getattr(own, _RULES[name]) != getattr(protocol_of(b).rules, _RULES[name]):
        rules, first = _ruled(own, protocol_of(b).rules, _RULES[name])
    if name in RESCORED:
        where = f"{shlex.quote(str(a.store.root))} --protocol {shlex.quote(_file(rules))}"
        moves = rules != own if name in _RULES else _defined_here(a, b)
        return Remedy(name, f"bench rescore {where}" if moves else "", first)
    changed: dict[str, Any] = {}
    if name in FIELDS:
        changed[FIELDS[name]] = getattr(asked, FIELDS[name])
    elif name == SEED:
        changed["seed"] = asked.seed
    elif name == "options":
        changed["chosen"] = asked.chosen
    elif name == "split":
        changed["split"] = asked.split
    elif name == RUN:
        changed |= {"checkpoint": asked.checkpoint, "method": asked.method}
    out = str(a.store.root)
    made = record.model_copy(update=changed)
    said = command(made, rules, _judge(b, name), out)
    if said == command(record, own, _judge(a, name), out):
        return Remedy(name, "")
    weights = f"--checkpoint: weights whose fingerprint begins with {fingerprint(made)}" if _trained(made) else ""
    return Remedy(name, said, "; ".join(filter(None, (first, weights))))


def command(record: Record, rules: Rules, more: Sequence[str] = (), out: str = "") -> str:
    """The `bench run` of a cell under some rules."""
    foreign = record.checkpoint.recipe is None
    method = f"{methods.base(record.method)}:{record.checkpoint.name}" if foreign else record.method
    words = ["bench", "run", "-m", method, "-d", record.dataset, "-t", record.task]
    if record.steps is not None:
        words += ["--steps", str(record.steps)]
    if record.solver not in (None, "euler"):
        words += ["--solver", str(record.solver)]
    if record.split != rules.split.get(record.task, "test"):
        words += ["--split", record.split]
    if record.limit is not None:
        words += ["--limit", str(record.limit)]
    several = tasks.task(record.task).several and rules.samples(record.dataset) is None
    if several and record.samples_per_mask != 1:
        words += ["--samples-per-mask", str(record.samples_per_mask)]
    if record.precision != "fp32":
        words += ["--precision", record.precision]
    if record.seed:
        words += ["--seeds", str(record.seed)]
    for name, value in record.chosen.items():
        words += ["--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    if rules.name != DEFAULT:
        words += ["--protocol", _file(rules)]
    if _trained(record):
        words += ["--checkpoint", f"runs/{record.checkpoint.recipe}"]
    return shlex.join([*words, *more, *(["--out", out] if out else [])])


def _trained(record: Record) -> bool:
    """Whether its weights are of a training of one's own: those that are bundled are known by their fingerprint."""
    if record.checkpoint.recipe is None:
        return False
    try:
        return methods.own_checkpoint(record.method, record.dataset).fingerprint != record.checkpoint.fingerprint
    except InputError:
        return True


def _defined_here(a: Stored, b: Stored) -> bool:
    """Whether the metrics that the two define otherwise are here as `b` has them."""
    before, after = (protocol_of(cell).metrics for cell in (a, b))
    known = {name: metrics.known(name) for name, version in after.items() if before.get(name) != version}
    return all(metric is not None and metric.version == after[name] for name, metric in known.items())


def _file(rules: Rules) -> str:
    return rules.name if rules.name in all_rules() else f"{rules.name}.toml"


def _ruled(a: Rules, b: Rules, field: str) -> tuple[Rules, str]:
    """The rules of `a` with one field of `b`, and the file that says so, where no named protocol does."""
    wanted = a.model_copy(update={field: getattr(b, field)})
    for known in (b, *all_rules().values()):
        if _measures(known) == _measures(wanted):
            return known, ""
    wanted = wanted.model_copy(update={"name": f"{a.name}-{str(getattr(b, field)).lower()}"})
    said = _measures(wanted)
    default = _measures(Rules(name=wanted.name, version=1))
    lines = [f"{name} = {json.dumps(value)}" for name, value in said.items() if value != default[name]]
    return wanted, f"{wanted.name}.toml says: {', '.join(lines)}"


def _measures(rules: Rules) -> dict[str, Any]:
    """Without what they are called and where they come from."""
    return rules.model_dump(mode="json", exclude={"name", "version", "title", "source", "departs"})


def _judge(cell: Stored, name: str) -> list[str]:
    """The option that takes another judge, where that is what changes."""
    judge = (protocol_of(cell).judges.get(name) or "").partition(":")[0]
    return ["--extractor", judge] if name == "extractor" and judge else []
