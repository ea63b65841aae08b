"""What there is: methods, data sets, recipes, metrics, judges, protocols, support, runs; each a list of plain rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ... import datasets, methods
from ...symmflow.errors import InputError
from .. import judges, metrics, tasks
from ..metrics import Metric
from ..protocols import all_rules
from ..records import read_stored

Rows = list[dict[str, Any]]
SHOWN = (1, 5, 25)
"""Step counts of `support`."""
T = TypeVar("T")


def _each(names: Sequence[str], get: Callable[[str], T]) -> Iterator[tuple[str, T | InputError]]:
    """All of a registry; of one that is broken, a package of someone else's, why: the others are still there."""
    for name in names:
        try:
            yield name, get(name)
        except InputError as error:
            yield name, error


def of_methods() -> Rows:
    cards, rows = datasets.cards(), []
    for name, kind in _each(methods.names(), methods.method):
        if isinstance(kind, InputError):
            rows.append({"method": name, "tasks": [], "checkpoints": [], "what": str(kind), "source": ""})
            continue
        able = [does.task for does in kind.tasks if any(kind.supports(does.task, 25, card) for card in cards)]
        bundled = [card.name for card in cards if name in methods.bundled(card.name)]
        rows.append({"method": name, "tasks": able, "checkpoints": bundled, "what": kind.title, "source": kind.source})
    return rows


def of_support() -> Rows:
    """What every method can do at 1, 5 and 25 steps, on masks and on classes where the task takes both."""
    asked: dict[str, tuple[tasks.Task, Any]] = {}
    for task in tasks.all_tasks():
        cards = [datasets.card(one.dataset) for one in tasks.all_tasks()]
        offering = {card.has_masks: card for card in cards if task.offered(card)}
        for masks, card in sorted(offering.items(), reverse=True):
            asked[task.name if masks or len(offering) == 1 else f"{task.name} of classes"] = task, card
    rows = []
    for name, kind in _each(methods.names(), methods.method):
        row = {"method": name}
        if isinstance(kind, InputError):
            rows.append(row | dict.fromkeys(asked, "cannot be imported"))
            continue
        for shown, (task, card) in asked.items():
            if kind.stepless:
                row[shown] = "once" if task.supports(kind, None, card) else "–"
            else:
                row[shown] = ", ".join(str(n) for n in SHOWN if task.supports(kind, n, card)) or "–"
        rows.append(row)
    return rows


def of_datasets() -> Rows:
    rows: Rows = []
    for name, card in _each(datasets.names(), datasets.card):
        if isinstance(card, InputError):
            unknown = dict.fromkeys(("classes", "shape", "licence"), "–")
            rows.append({"data set": name, "tasks": [], "splits": [], **unknown, "get": str(card)})
            continue
        rows.append(
            {
                "data set": name,
                "tasks": list(card.tasks) or ["training only"],
                "splits": [f"{split} {n:,}" for split, n in card.splits.items()],
                "classes": len(card.classes),
                "shape": "x".join(map(str, card.shape)),
                "licence": card.licence,
                "get": card.obtain,
            }
        )
    return rows


def of_recipes() -> Rows:
    rows = []
    for name in methods.recipe_names():
        recipe, (dataset, _, own) = methods.recipe(name), name.partition("/")
        rows.append(
            {
                "recipe": name,
                "method": recipe.method,
                "steps": recipe.schedule.steps,
                "batch": recipe.train.batch,
                "checkpoint": "bundled" if own in methods.bundled(dataset) else "",
            }
        )
    return rows


def of_metrics() -> Rows:
    found = dict(_each(metrics.names(), metrics.metric))
    whole = [metric for metric in found.values() if isinstance(metric, Metric)]
    unknown = dict.fromkeys(("95 % interval", "floor", "judge"), "–")
    broken: Rows = [
        {"metric": name, "version": "–", "task": "–", "what": str(error), **unknown}
        for name, error in found.items()
        if isinstance(error, InputError)
    ]
    ranked = sorted(whole, key=lambda m: (tasks.order(m.tasks[0]), m.rank, m.name))
    rows = [
        {
            "metric": m.name,
            "version": m.version,
            "task": ", ".join(m.tasks),
            "what": m.what,
            "95 % interval": m.interval,
            "floor": str(m.floor) if m.compared else "–",
            "judge": m.judge or "–",
        }
        for m in ranked
    ]
    return [*rows, *broken]


def of_judges() -> Rows:
    rows = []
    for name, judge in _each(judges.names(), judges.judge):
        if isinstance(judge, InputError):
            rows.append({"judge": name, "role": "–", "suits": [], "what": str(judge)})
            continue
        suits = [card.name for card in datasets.cards() if name in card.judges and judge.suits(card)]
        rows.append({"judge": name, "role": judge.role, "suits": suits, "what": judge.what})
    return rows


def of_protocols() -> Rows:
    """A row a field, a column a protocol."""
    known = all_rules()
    free = {"split": "any; test", "samples_per_label": "any; 1", "extractor": "any; auto"}

    def shown(name: str, field: str) -> Any:
        value = getattr(known[name], field)
        if field == "split":
            value = ", ".join(f"{task} {split}" for task, split in value.items()) or None
        return free.get(field, "") if value is None else "; ".join(value) if isinstance(value, tuple) else value

    def measured(name: str, task: str) -> Any:
        listed = known[name].metrics
        return "all" if listed is None else list(listed.get(task, ())) or "–"

    fields = ["title", "source", "version", *free, "background", "rounding"]
    rows = [{"field": field, **{name: shown(name, field) for name in known}} for field in fields]
    for task in tasks.all_tasks():
        rows.append({"field": f"{task.name} metrics", **{name: measured(name, task.name) for name in known}})
    return [*rows, {"field": "departs", **{name: shown(name, "departs") for name in known}}]


def of_runs(out: Path) -> Rows:
    records = [stored.record for stored in read_stored([out])]
    return [
        {
            "key": r.key,
            "status": r.status,
            "data set": r.dataset,
            "task": r.task,
            "method": r.method,
            "steps": "–" if r.steps is None else r.steps,
            "seed": r.seed,
            "n": r.n,
            "created": r.created,
        }
        for r in sorted(records, key=lambda r: (r.dataset, r.task, r.method, r.steps or 0, r.seed))
    ]


KINDS: dict[str, Callable[[], Rows]] = {
    "methods": of_methods,
    "datasets": of_datasets,
    "recipes": of_recipes,
    "metrics": of_metrics,
    "judges": of_judges,
    "protocols": of_protocols,
    "support": of_support,
}


def inventory(kind: str, out: Path) -> Rows:
    """The rows of a kind; `out`: the store of `runs`."""
    return of_runs(out) if kind == "runs" else KINDS[kind]()
