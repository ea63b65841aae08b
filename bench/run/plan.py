"""From a request to the cells that answer it, without importing torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ... import datasets, methods
from ...datasets import Card, Split
from ...methods import Foreign, Method, Support
from ...symmflow.checkpoint import Checkpoint
from ...symmflow.errors import InputError, unknown
from ...symmflow.recipe import check_table
from ...symmflow.solvers import ADAPTIVE, SOLVERS
from ..judges import extractors, perceptual
from ..judges.extractors import Extractor
from ..judges.perceptual import Backbone
from ..metrics.score import Subject
from ..protocols.protocol import DEFAULT, EVALUATOR_OF, Protocol, Rules, make, rules
from ..records.evidence import SHARD
from ..records.record import Cell, CheckpointFacts, Record

CYCLE = "cycle"
"""The unified models' own task: label -> image -> label, and image -> label -> image."""
DEFAULT_DATASET = {"cls": "digits", "ss": "digit-scenes", "sis": "digit-scenes", CYCLE: "digit-scenes"}


@dataclass(frozen=True)
class Request:
    """What a user asks for; empty means the default."""

    methods: Sequence[str] = ("symmflow",)
    tasks: Sequence[str] = ()
    datasets: Sequence[str] = ()
    steps: Sequence[int] = (25,)
    seeds: Sequence[int] = (0,)
    split: str | None = None
    """None: the protocol's, or the test split."""
    solver: str | None = None
    """None: each method's own default."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Inference options of the methods that have them."""
    checkpoint: str | None = None
    precision: str = "fp32"
    limit: int | None = None
    samples_per_mask: int | None = None
    """None: the protocol's, or one."""
    extractor: str | None = None
    """None: the protocol's, or whatever suits the data."""
    protocol: str = DEFAULT
    data_root: Path | None = None
    batch_size: int = 64
    device: str = "auto"
    out: Path = Path("results")
    force: bool = False
    trust: bool = False
    """Let configs and pickles of others run code."""


@dataclass(frozen=True)
class Evaluators:
    """The independent networks that judge a synthesis; a string says why there is none."""

    extractor: Extractor | str = "not needed"
    aligner: Checkpoint | str = "not needed"
    lpips: Backbone | str = "not needed"

    def reasons(self) -> dict[str, str]:
        """Why one is not there."""
        found = {"extractor": self.extractor, "aligner": self.aligner, "lpips": self.lpips}
        return {name: value for name, value in found.items() if isinstance(value, str)}

    def fingerprints(self) -> dict[str, str | None]:
        """`name:sha256` of each that is there."""
        found: dict[str, str | None] = {"extractor": None, "aligner": None, "lpips": None}
        if isinstance(self.extractor, Extractor):
            found["extractor"] = f"{self.extractor.name}:{self.extractor.sha256}"
        if isinstance(self.aligner, Checkpoint):
            found["aligner"] = f"{self.aligner.recipe.name}:{self.aligner.fingerprint}"
        if isinstance(self.lpips, Backbone):  # its trained heads come with the package
            found["lpips"] = f"{self.lpips.name}, lpips {version('lpips')}:{self.lpips.sha256}"
        return found


@dataclass(frozen=True)
class Job:
    """Cells that differ in their steps alone, evaluated together."""

    method: type[Method]
    checkpoint: Checkpoint | Foreign
    data: Split
    protocol: Protocol
    evaluators: Evaluators
    cells: tuple[Cell, ...]

    @property
    def task(self) -> str:
        return self.protocol.task

    @property
    def rounding(self) -> str:
        """Of synthesized images to 8 bits."""
        return rules(self.protocol.rules).rounding

    @property
    def subject(self) -> Subject:
        """What its evidence is scored as."""
        chosen = self.evaluators
        named = rules(self.protocol.rules)
        return Subject(
            metrics=tuple(self.protocol.metrics),
            ignored=named.ignored(self.protocol.classes) if self.data.card.has_masks else (),
            task=self.task,
            classes=self.protocol.classes,
            ids=self.data.ids,
            masks=self.data.card.has_masks,
            extractor=chosen.extractor.name if isinstance(chosen.extractor, Extractor) else None,
            lpips=isinstance(chosen.lpips, Backbone),
            aligner=isinstance(chosen.aligner, Checkpoint),
            reasons=chosen.reasons(),
        )


@dataclass(frozen=True)
class Unsupported:
    """A cell that a method does not offer, and why: no failure."""

    method: str
    task: str
    dataset: str
    steps: int | None
    reason: str


@dataclass
class Plan:
    jobs: list[Job] = field(default_factory=list)
    unsupported: list[Unsupported] = field(default_factory=list)


def plan(request: Request) -> Plan:
    """All cells of a request. Raises `InputError` if there is nothing that any method can do."""
    check(request)
    named = rules(request.protocol)
    everything_named = [t for t in methods.TASKS if t in named.metrics]
    tasks = [task_name(t) for t in request.tasks] or everything_named
    for task in tasks:
        rules(request.protocol, task)
    samples = fixed("--samples-per-mask", named.samples_per_label, request.samples_per_mask, 1)
    result = Plan()
    for task, dataset in _pairs(tasks, request.datasets):
        card = datasets.card(dataset)
        which = fixed("--split", named.split_of(task), request.split, "test")
        everything = datasets.load(dataset, which, request.data_root)
        split = everything.first(request.limit)
        limited = len(split) < len(everything)
        evaluators = _evaluators(task, split, request, named)
        protocol = make(
            task,
            split,
            named,
            samples_per_label=samples,
            evaluators=evaluators.fingerprints() if task in ("sis", CYCLE) else {},
        )
        for name in _methods(request.methods, dataset):
            kind = methods.method(name)
            solvers = _solvers(kind, task, card)
            if request.solver and solvers and request.solver not in solvers:
                reason = f"{name} has no solver {request.solver!r}; choose {' or '.join(solvers)}"
                result.unsupported.append(Unsupported(name, task, dataset, None, reason))
                continue
            solver = (request.solver or solvers[0]) if solvers else None
            counts: list[int | None] = [None] if kind.stepless or solver in ADAPTIVE else list(request.steps)
            supported = []
            for steps in counts:
                if support := supports(kind, task, steps, card):
                    supported.append(steps)
                else:
                    result.unsupported.append(Unsupported(name, task, dataset, steps, support.reason))
            if not supported:
                continue
            checkpoint = methods.checkpoint(name, dataset, request.checkpoint, request.trust)
            name = methods.label(name, checkpoint)
            if not isinstance(checkpoint, Foreign) and checkpoint.recipe.dataset != dataset:
                raise InputError(
                    f"the checkpoint was trained on {checkpoint.recipe.dataset}, not on {dataset}; "
                    f"choose --dataset {checkpoint.recipe.dataset}, or train one on {dataset}."
                )
            # without steps there is no noise either: every seed would give the same figures
            for seed in [0] if kind.stepless else request.seeds:
                common = {
                    "method": name,
                    "checkpoint": checkpoint.fingerprint,
                    "task": task,
                    "dataset": dataset,
                    "split": which,
                    "solver": solver,
                    "options": _options(kind, task, request.options),
                    "precision": request.precision,
                    "seed": seed,
                    "limit": request.limit if limited else None,
                    "samples_per_mask": samples if task == "sis" else 1,
                    "protocol": protocol.hash,
                }
                cells = tuple(Cell.model_validate({**common, "steps": steps}) for steps in supported)
                result.jobs.append(Job(kind, checkpoint, split, protocol, evaluators, cells))
    if not result.jobs:
        reasons = sorted({f"{u.method} cannot do {u.task} on {u.dataset}: {u.reason}" for u in result.unsupported})
        raise InputError("; ".join(reasons) + "." if reasons else "the request names nothing to run.")
    return result


def blank(cell: Cell, protocol: Protocol, checkpoint: CheckpointFacts, status: str, reason: str = "") -> Record:
    """A record of a cell without its outcome."""
    return Record(
        key=cell.key,
        status=status,  # type: ignore[arg-type]
        reason=reason,
        checkpoint=checkpoint,
        n=protocol.n,
        **cell.model_dump(exclude={"checkpoint", "protocol"}),
        protocol={"name": protocol.name, "hash": protocol.hash, "rules": protocol.rules},
    )


def checkpoint_facts(checkpoint: Checkpoint | Foreign) -> CheckpointFacts:
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
        parameters=checkpoint.manifest.get("parameters", 0),
        trained_steps=checkpoint.manifest.get("trained_steps"),
    )


def parts(task: str, card: Card) -> tuple[str, ...]:
    """The tasks that a task is made of: a cycle goes both ways."""
    return ("sis", "ss" if card.has_masks else "cls") if task == CYCLE else (task,)


def supports(kind: type[Method], task: str, steps: int | None, card: Card) -> Support:
    """Whether a method can do a task, a cycle among them."""
    found = [kind.supports(part, steps, card) for part in parts(task, card)]
    return next((support for support in found if not support), found[0])


def _solvers(kind: type[Method], task: str, card: Card) -> tuple[str, ...]:
    """Those that all parts of a task have, as far as a part solves anything."""
    first, *rest = [s for part in parts(task, card) if (s := kind.solvers(part))] or [()]
    return tuple(s for s in first if all(s in others for others in rest))


def task_name(given: str) -> str:
    """cls, ss, sis or cycle, from itself or from classify, segment, synthesize."""
    by_verb = {verb: name for name, verb in methods.TASKS.items()}
    name = by_verb.get(given, given)
    if name not in (*methods.TASKS, CYCLE):
        raise unknown("task", given, [*methods.TASKS, CYCLE, *by_verb])
    return name


def fixed(flag: str, by_protocol: Any, given: Any, default: Any) -> Any:
    """A value that the protocol fixes, or else the caller gives."""
    if by_protocol is None:
        return default if given is None else given
    if given not in (None, by_protocol):
        raise InputError(f"the protocol fixes {flag} at {by_protocol}; drop {flag}, or choose another --protocol.")
    return by_protocol


def check(request: Request) -> None:
    """Refuse values that no cell can have."""
    everything = dict.fromkeys(methods.base(name) for dataset in datasets.names() for name in methods.bundled(dataset))
    kinds = [methods.method(name) for name in (everything if "all" in request.methods else request.methods)]
    known = dict.fromkeys([*SOLVERS, *(s for kind in kinds for task in methods.TASKS for s in kind.solvers(task))])
    if request.solver and request.solver not in known:
        raise unknown("solver", request.solver, known)
    fields = dict.fromkeys(f for kind in kinds for f in kind.Inference.model_fields)
    for name in request.options:
        if name not in fields:
            none = InputError(f"--set {name}: no method given has options.")
            raise unknown("option", name, fields) if fields else none
    for kind in kinds:
        _options(kind, CYCLE, request.options)
    if request.precision not in ("fp32", "bf16", "fp16"):
        raise unknown("precision", request.precision, ("fp32", "bf16", "fp16"))
    if request.limit is not None and request.limit < 1:
        raise InputError(f"--limit must be at least 1, not {request.limit}.")
    if not 1 <= request.batch_size <= SHARD:
        raise InputError(f"--batch-size must lie in 1-{SHARD} (a shard of evidence), not {request.batch_size}.")
    if request.samples_per_mask is not None and request.samples_per_mask < 1:
        raise InputError(f"--samples-per-mask must be at least 1, not {request.samples_per_mask}.")
    if any(s < 1 for s in request.steps):
        raise InputError(f"--steps must be whole numbers of at least 1, not {min(request.steps)}.")
    if request.checkpoint and (len(request.methods) != 1 or request.methods[0] == "all"):
        raise InputError("--checkpoint goes with exactly one --method.")


def _options(kind: type[Method], task: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All inference options that a method's task depends on: the given ones and the defaults."""
    own = {name: value for name, value in given.items() if name in kind.Inference.model_fields}
    everything = check_table(kind.Inference, own, f"--set for {kind.name}").model_dump(mode="json")
    mine = dict.fromkeys(
        f for part in (methods.TASKS if task == CYCLE else (task,)) for f in kind.inference_fields(part)
    )
    return {name: everything[name] for name in mine}


def _pairs(tasks: Sequence[str], wanted: Sequence[str]) -> list[tuple[str, str]]:
    """(task, data set): the given data sets as far as they have the task, else each task's default."""
    if not wanted:
        return [(task, DEFAULT_DATASET[task]) for task in tasks]
    pairs = [
        (task, name)
        for name in wanted
        for task in tasks
        if set(parts(task, datasets.card(name))) <= set(datasets.card(name).tasks)
    ]
    if not pairs:
        offers = "; ".join(f"{name} offers {', '.join(datasets.card(name).tasks) or 'no task'}" for name in wanted)
        raise InputError(f"no data set given has a task of {', '.join(tasks)}: {offers}.")
    return pairs


def _methods(wanted: Sequence[str], dataset: str) -> list[str]:
    if list(wanted) != ["all"]:
        return list(wanted)
    found = list(methods.bundled(dataset))
    if not found:
        raise InputError(f"no method has a bundled checkpoint for {dataset}; name one with --method and --checkpoint.")
    return found


def _evaluators(task: str, split: Split, request: Request, named: Rules) -> Evaluators:
    """Those that the metrics of a task need."""
    asked = set(named.metrics[task])
    found: dict[str, Any] = {}
    needed = {EVALUATOR_OF[metric] for metric in asked & EVALUATOR_OF.keys()}
    if "extractor" in needed:
        wanted = fixed("--extractor", named.extractor, request.extractor, "auto")
        found["extractor"] = extractors.plan(split.card, wanted)
    if "lpips" in needed:
        found["lpips"] = perceptual.plan(split.card)
    if "aligner" in needed:
        found["aligner"] = _aligner(split.card)
    return Evaluators(**found)


def _aligner(card: Card) -> Checkpoint | str:
    judge = "unet" if card.has_masks else "cnn"
    if judge in methods.bundled(card.name):
        return methods.own_checkpoint(judge, card.name)
    what = "segmenter" if card.has_masks else "classifier"
    return f"no independent {what} is bundled for {card.name}"
