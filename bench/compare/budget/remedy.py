"""The command that would measure what one thing alone does to a figure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .... import methods
from ....symmflow.errors import InputError
from ... import tasks
from ...protocols import DEFAULT, Protocol, Rules, all_rules, read_protocol
from ...records import Record, Stored
from .changes import LABELS, PROTOCOL, RULED, RUN, SAMPLES, SEED

_RULES = {PROTOCOL[field]: rule for field, rule in RULED.items()}
"""Which field of a protocol's rules decides it."""
RESCORED = ("class policy", "definition of the metric")
"""What needs no network: it can be scored again from the evidence."""
FIELDS = {"precision": "precision", "steps": "steps", "solver": "solver", SAMPLES: "limit", LABELS: "samples_per_mask"}
"""Which field of the cell decides it."""


@dataclass(frozen=True)
class Remedy:
    """A command, and what has to be there first."""

    name: str
    """What it would measure."""
    command: str
    first: str = ""


def remedy(a: Stored, b: Stored, name: str, others: Sequence[str]) -> Remedy:
    """The cell of `a` with `name` alone as `b` has it. `others`: what else differs and is not told apart."""
    record, asked = a.record, b.record
    rules, first = _rules(a), ""
    if name in _RULES:
        rules, first = _ruled(rules, _rules(b), _RULES[name])
    if name in RESCORED:
        said = rules if name in _RULES else _rules(b)
        where = f"{shlex.quote(str(a.store.root))} --protocol {shlex.quote(_file(said))}"
        return Remedy(name, f"bench rescore {where}", first)
    changed: dict[str, Any] = {}
    if name in FIELDS:
        changed[FIELDS[name]] = getattr(asked, FIELDS[name])
    elif name == SEED:
        changed["seed"] = asked.seed
    elif name == "options":
        changed["chosen"] = asked.chosen
    elif name == "split":
        changed["split"] = asked.split
    elif name in (RUN, "method", "version of the method"):
        changed |= {"checkpoint": asked.checkpoint, "method": asked.method}
    more = _judge(b, name)
    return Remedy(name, command(record.model_copy(update=changed), rules, more, str(a.store.root)), first)


def command(record: Record, rules: Rules, more: Sequence[str] = (), out: str = "") -> str:
    """The `bench run` of a cell under some rules."""
    foreign = record.checkpoint.recipe is None
    kind = record.method.partition(":")[0].partition("[")[0]
    method = f"{kind}:{record.checkpoint.name}" if foreign else kind
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
    if not foreign and record.method not in methods.bundled(record.dataset):
        words += ["--checkpoint", f"runs/{record.checkpoint.recipe}"]
    return shlex.join([*words, *more, *(["--out", out] if out else [])])


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


def _rules(cell: Stored) -> Rules:
    return _protocol(cell).rules


def _protocol(cell: Stored) -> Protocol:
    found = read_protocol(cell.record.protocol["hash"], [cell.store.root])
    if found is None:
        raise InputError(f"{cell.store.root} lacks the protocol of {cell.folder}; copy protocols/ with the records.")
    return found


def _judge(cell: Stored, name: str) -> list[str]:
    """The option that takes another judge, where that is what changes."""
    judge = (_protocol(cell).judges.get(name) or "").partition(":")[0]
    return ["--extractor", judge] if name == "extractor" and judge else []
