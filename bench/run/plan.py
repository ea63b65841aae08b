"""From a request to the jobs that answer it, without importing torch or reading a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ... import datasets, methods
from ...datasets import Card, Manifest
from ...methods import Foreign, Method
from ...symmflow.checkpoint import Checkpoint
from ...symmflow.errors import InputError
from ...symmflow.guests import Guest, said
from ...symmflow.names import check_name
from ...symmflow.noise import NOISE_VERSION
from ...symmflow.plugins import left_out
from ...symmflow.recipe import Recipe
from ...symmflow.solvers import ADAPTIVE
from .. import judges, metrics
from ..judges import Found, Named
from ..metrics import Metric, Subject
from ..metrics.reference import read_statistics
from ..protocols import Protocol, Rules, make, rules
from ..records import Cell, CheckpointFacts, Missing
from ..tasks import Task
from .job import Job
from .request import STEPS, Request, fixed, options_of


@dataclass(frozen=True)
class Unsupported:
    """A cell that a method does not offer, and why: no failure."""

    method: str
    task: str
    dataset: str
    steps: int | None
    reason: str
    broken: bool = False
    """The method breaks when it is asked what it can do: that is a failure."""


@dataclass
class Plan:
    """The jobs of a request, and what no method offers."""

    jobs: list[Job] = field(default_factory=list)
    unsupported: list[Unsupported] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """What was taken for granted of the data; what other packages register under names of ours that are asked for."""

    def require_all(self) -> None:
        """Raise `InputError` where a method does not offer a cell."""
        if self.unsupported:
            cell = self.unsupported[0]
            at = f" at {cell.steps} step{'s' if cell.steps > 1 else ''}" if cell.steps else ""
            raise InputError(f"{cell.method} cannot do {cell.task}{at}: {cell.reason}; ask for what it can do.")


@dataclass(frozen=True)
class _Field:
    """What is measured how, whoever is measured."""

    task: Task
    card: Card
    samples: Manifest
    root: Path | None
    """Where the files of the data set lie."""
    limited: bool
    several: int
    """Samples a label."""
    protocol: Protocol
    judges: dict[str, Found]
    missing: dict[str, str]


def plan(request: Request) -> Plan:
    """All cells of a request. Raises `InputError` if there is nothing that any method can do."""
    request.check()
    named = request.protocol if isinstance(request.protocol, Rules) else rules(request.protocol)
    result = Plan()
    wanted = request.wanted()
    if not request.tasks:
        wanted = [(task, dataset) for task, dataset in wanted if named.measures(task.name)]
    for task, _ in wanted:
        named.require(task.name)
    for task, dataset in wanted:
        here = _field(task, dataset, request, named, result.said)
        for name in request.methods_for(dataset):
            try:
                with Guest():
                    result.jobs += _jobs(name, here, request, result.unsupported)
            except InputError:
                raise
            except Exception as error:  # whatever another package raises
                if _is_ours(methods.method(name)):
                    raise
                reason = f"it breaks with {said(error)}"
                result.unsupported.append(Unsupported(name, task.name, dataset, None, reason, broken=True))
    result.said += _left_out(result.jobs)
    if not result.jobs:
        reasons = sorted({f"{u.method} cannot do {u.task} on {u.dataset}: {u.reason}" for u in result.unsupported})
        raise InputError("; ".join(reasons) + "." if reasons else "the request names nothing to run.")
    if request.judge and not any("aligner" in job.protocol.judges for job in result.jobs):
        raise InputError("--judge sees whether syntheses follow their labels: it goes with --task sis.")
    return result


def _is_ours(kind: type[Method]) -> bool:
    return kind.__module__.partition(".")[0] == __name__.partition(".")[0]


def _left_out(jobs: Sequence[Job]) -> list[str]:
    named = {
        "methods": {methods.base(job.method) for job in jobs},
        "datasets": {job.protocol.dataset for job in jobs},
        "metrics": {name for job in jobs for name in job.protocol.metrics},
        "judges": {judge.name for job in jobs for judge in job.judges.values()},
    }
    return [f"{why}." for room, names in named.items() for _, why in left_out(f"symmbench.{room}", names)]


def _field(task: Task, dataset: str, request: Request, named: Rules, said: list[str]) -> _Field:
    dataset, root = datasets.located(dataset, request.data_root)
    asked_of = datasets.dataset(dataset, root)
    card = asked_of.card
    for part in card.name.split("/"):
        check_name("data set", part)
    if asked_of.said and asked_of.said not in said:
        said.append(asked_of.said)
    scored_at = fixed("--scored-at", named.scored_at, request.scored_at, None)
    if scored_at == "original" and (seen := datasets.split_name(dataset)[1]) and seen.crop != "whole":
        raise InputError(f"{dataset} sees parts of images, which have no original size; drop --scored-at or --crop.")
    named = named.model_copy(update={"scored_at": scored_at})
    split = fixed("--split", named.split.get(task.name), request.split, card.default_split)
    everything = datasets.manifest(dataset, split, root)
    samples = everything.first(request.limit)
    several = fixed("--samples-per-mask", named.samples(dataset), request.samples_per_mask, 1) if task.several else 1
    asked = metrics.of(task.name, named, Subject(card.classes, card.has_masks))
    chosen = {role: judges.choose(role, card, name) for role, name in roles(asked, request, named).items()}
    found = {role: judge for role, judge in chosen.items() if isinstance(judge, Found)}
    protocol = make(
        task.name,
        card,
        samples,
        named,
        policy=task.policy(card, named, several),
        judges={role: found[role].identity if role in found else None for role in chosen},
        metrics={metric.name: metric.version for metric in asked},
        reference=(read_statistics(given).sha256, given.stem) if (given := request.reference) else ("", ""),
    )
    missing = {role: str(judge) for role, judge in chosen.items() if isinstance(judge, Missing)}
    return _Field(task, card, samples, root, len(samples) < len(everything), several, protocol, found, missing)


def roles(asked: Sequence[Metric], request: Request, named: Rules) -> dict[str, Named | str | None]:
    """The judges that metrics need by role, and which one is asked for by name."""
    found: dict[str, Named | str | None] = {metric.judge: None for metric in asked if metric.judge}
    if "extractor" in found:
        by_name = fixed("--extractor", named.extractor, request.extractor, None)
        found["extractor"] = None if by_name == "auto" else by_name
    if "aligner" in found and request.judge:
        found["aligner"] = Named(
            _lasting(request.judge), _absolute(request.judge_checkpoint), dict(request.judge_options), request.trust
        )
    return found


def _jobs(name: str, here: _Field, request: Request, unsupported: list[Unsupported]) -> list[Job]:
    """A job a seed, as far as the method can do something of it."""
    kind, task, card = methods.method(name), here.task, here.card
    solvers = task.solvers(kind, card)
    if request.solver and solvers and request.solver not in solvers:
        reason = f"{name} has no solver {request.solver!r}; choose {' or '.join(solvers)}"
        unsupported.append(Unsupported(name, task.name, card.name, None, reason))
        return []
    solver = (request.solver or solvers[0]) if solvers else None
    counts = _counts(name, kind, solver, request)
    supported = _supported(name, kind, here, counts, None, unsupported)
    if not supported:  # asked before a checkpoint is looked for
        return []
    opened = methods.checkpoint(name, card.name, request.checkpoint, request.trust)
    trained_on = card.name if isinstance(opened, Foreign) else datasets.seen_by(opened.recipe, card, here.root)
    if trained_on != card.name:
        raise InputError(
            f"the checkpoint was trained on {trained_on}, not on {card.name}; "
            f"choose --dataset {trained_on}, or train one on {card.name}."
        )
    supported = _supported(name, kind, here, supported, getattr(opened, "recipe", None), unsupported)
    if not supported:
        return []
    chosen = {**request.options, "unpaired": True} if request.unpaired else request.options
    everything, defaults = (options_of(kind, given) for given in (chosen, {}))
    options = {field: everything[field] for field in task.inference_fields(kind, card)}
    common: dict[str, Any] = {
        "method": methods.label(name, opened, request.name),
        "version": kind.version,
        "checkpoint": opened.fingerprint,
        "task": task.name,
        "dataset": card.name,
        "split": here.samples.split,
        "solver": solver,
        "options": {field: value for field, value in options.items() if value != defaults[field]},
        "precision": request.precision,
        "limit": request.limit if here.limited else None,
        "samples_per_mask": here.several,
        "noise": NOISE_VERSION,
        "protocol": here.protocol.hash,
    }
    jobs = [
        Job(
            method=_lasting(name),
            checkpoint=_absolute(request.checkpoint),
            made_of=checkpoint_facts(opened),
            trust=request.trust,
            data_root=here.root and here.root.absolute(),
            reference=request.reference and request.reference.absolute(),
            protocol=here.protocol,
            judges=here.judges,
            missing=here.missing,
            options=options,
            cells=tuple(Cell.model_validate({**common, "seed": seed, "steps": steps}) for steps in supported),
        )
        for seed in ([0] if kind.stepless else request.seeds)  # without steps there is no noise either
    ]
    if kind.ready_made:  # what is wrong with files is said before any work
        jobs[0].prepare(kind.load(opened, card, "cpu", options))
    return jobs


def _counts(name: str, kind: type[Method], solver: str | None, request: Request) -> Sequence[int | None]:
    """The step counts that are asked of a method; None: it has none, or its solver chooses them."""
    if kind.ready_made:
        if len(request.steps) > 1:
            raise InputError(f"{name} holds the outputs of one step count; name it alone with --steps, or none.")
        return request.steps or [None]
    return [None] if kind.stepless or solver in ADAPTIVE else request.steps or STEPS


def _absolute(given: str | None) -> str | None:
    """A path that is meant from every folder; hub ids stay as they are."""
    return str(Path(given).absolute()) if given and Path(given).exists() else given


def _lasting(method: str) -> str:
    """`hf:model` with the whole path of a model in this folder."""
    own, colon, argument = method.partition(":")
    return f"{own}{colon}{_absolute(argument) or ''}"


def _supported(
    name: str,
    kind: type[Method],
    here: _Field,
    asked: Sequence[int | None],
    recipe: Recipe | None,
    unsupported: list[Unsupported],
) -> list[int | None]:
    """The step counts that the method can do; None: it has none, or its solver chooses them."""
    able: list[int | None] = []
    for steps in asked:
        if support := here.task.supports(kind, steps, here.card, recipe):
            able.append(steps)
        else:
            unsupported.append(Unsupported(name, here.task.name, here.card.name, steps, support.reason))
    return able


def checkpoint_facts(checkpoint: Checkpoint | Foreign) -> CheckpointFacts:
    """Where weights came from, for a record."""
    if isinstance(checkpoint, Foreign):
        return CheckpointFacts(
            name=checkpoint.name,
            sha256=checkpoint.sha256,
            fingerprint=checkpoint.fingerprint,
            recipe=None,
            parameters=None,
        )
    return CheckpointFacts(
        name=checkpoint.path.name if checkpoint.path.name != "checkpoint" else checkpoint.recipe.name,
        sha256=checkpoint.sha256,
        fingerprint=checkpoint.fingerprint,
        recipe=checkpoint.recipe.name,
        recipe_hash=checkpoint.recipe.hash,
        options=checkpoint.recipe.options,
        parameters=checkpoint.manifest.get("parameters", 0),
        trained_steps=checkpoint.manifest.get("trained_steps"),
    )
