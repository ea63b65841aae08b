"""What there is, by kind: methods, data sets, recipes, metrics, judges, ..., runs; each a list of plain rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ... import datasets, methods
from ...reports import papers
from ...symmflow.errors import InputError, unknown
from ...symmflow.guests import Guest, said
from ...symmflow.plugins import left_out
from .. import judges, metrics, tasks
from ..protocols import all_rules
from ..records import Cell, Record, Store, read_stored
from ..records.tidy import COLUMNS
from ..tasks.wanted import EVERYTHING, Filter
from .keywords import several

Row = dict[str, Any]
Rows = list[Row]
SHOWN = (1, 5, 25)
"""Step counts of `support`."""


def _each(group: str, names: Sequence[str], row: Callable[[str], Row], broken: Callable[[str, str], Row]) -> Rows:
    """A row a name; `broken(name, why)` for a package of someone else's: the others are still there."""
    rows = []
    for name in names:
        try:
            with Guest():
                rows.append(row(name))
        except InputError as error:
            rows.append(broken(name, str(error)))
        except Exception as error:  # whatever another package raises
            rows.append(broken(name, f"it breaks with {said(error)}"))
    return [*rows, *(broken(name, why) for name, why in left_out(group))]


def of_methods() -> Rows:
    cards = datasets.cards()

    def row(name: str) -> Row:
        kind = methods.method(name)
        able = [does.task for does in kind.tasks if any(kind.supports(does.task, 25, card) for card in cards)]
        bundled = [card.name for card in cards if name in methods.bundled(card.name)]
        return {"method": name, "tasks": able, "checkpoints": bundled, "what": kind.title, "source": kind.source}

    def broken(name: str, why: str) -> Row:
        return {"method": name, "tasks": [], "checkpoints": [], "what": why, "source": ""}

    return _each("symmbench.methods", methods.names(), row, broken)


def of_support() -> Rows:
    """What every method can do at 1, 5 and 25 steps, on masks and on classes where the task takes both."""
    asked: dict[str, tuple[tasks.Task, Any]] = {}
    for task in tasks.all_tasks():
        cards = [datasets.card(one.dataset) for one in tasks.all_tasks()]
        offering = {card.has_masks: card for card in cards if task.offered(card)}
        for masks, card in sorted(offering.items(), reverse=True):
            asked[task.name if masks or len(offering) == 1 else f"{task.name} of classes"] = task, card

    def row(name: str) -> Row:
        kind, found = methods.method(name), {"method": name}
        for shown, (task, card) in asked.items():
            if kind.stepless:
                found[shown] = "once" if task.supports(kind, None, card) else "–"
            else:
                found[shown] = ", ".join(str(n) for n in SHOWN if task.supports(kind, n, card)) or "–"
        return found

    return _each(
        "symmbench.methods", methods.names(), row, lambda name, why: {"method": name} | dict.fromkeys(asked, "broken")
    )


def of_datasets() -> Rows:
    def row(name: str) -> Row:
        card = datasets.card(name)
        return {
            "data set": name,
            "tasks": list(card.tasks) or ["training only"],
            "splits": [f"{split} {n:,}" for split, n in card.splits.items()],
            "classes": len(card.classes),
            "shape": "x".join(map(str, card.shape)),
            "licence": card.licence,
            "get": card.obtain,
        }

    def broken(name: str, why: str) -> Row:
        unknown = dict.fromkeys(("classes", "shape", "licence"), "–")
        return {"data set": name, "tasks": [], "splits": [], **unknown, "get": why}

    free = dict.fromkeys(("classes", "shape", "licence"), "–")
    others = [
        {"data set": f"{n}:...", "tasks": [], "splits": [], **free, "get": w} for n, w in datasets.families().items()
    ]
    return [*_each("symmbench.datasets", datasets.names(), row, broken), *others]


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
    def row(name: str) -> Row:
        m = metrics.metric(name)
        return {
            "metric": m.name,
            "version": m.version,
            "task": ", ".join(m.tasks),
            "what": m.what,
            "95 % interval": m.interval,
            "floor": str(m.floor) if m.compared else "–",
            "judge": m.judge or "–",
        }

    def broken(name: str, why: str) -> Row:
        unknown = dict.fromkeys(("95 % interval", "floor", "judge"), "–")
        return {"metric": name, "version": "–", "task": "–", "what": why, **unknown}

    def place(name: str) -> tuple[int, int, str]:
        if (m := metrics.known(name)) is None:
            return tasks.order(""), 0, name
        return min(map(tasks.order, m.tasks), default=tasks.order("")), m.rank, name

    return _each("symmbench.metrics", sorted(metrics.names(), key=place), row, broken)


def of_judges() -> Rows:
    def row(name: str) -> Row:
        judge = judges.judge(name)
        suits = [card.name for card in datasets.cards() if name in card.judges and judge.suits(card)]
        return {"judge": name, "role": judge.role, "suits": suits, "what": judge.what}

    def broken(name: str, why: str) -> Row:
        return {"judge": name, "role": "–", "suits": [], "what": why}

    return _each("symmbench.judges", judges.names(), row, broken)


def of_protocols() -> Rows:
    """A row a field, a column a protocol."""
    known = all_rules()
    free = {"split": "any; test", "samples_per_label": "any; 1", "extractor": "any; auto"}

    def shown(name: str, field: str) -> Any:
        value = getattr(known[name], field)
        if field == "split":
            value = ", ".join(f"{task} {split}" for task, split in value.items()) or None
        if field == "samples_per_label" and known[name].samples_on:
            value = "; ".join([str(value), *(f"{n} on {data}" for data, n in known[name].samples_on.items())])
        return free.get(field, "") if value is None else "; ".join(value) if isinstance(value, tuple) else value

    def measured(name: str, task: str) -> Any:
        listed = known[name].metrics
        return "all" if listed is None else list(listed.get(task, ())) or "–"

    fields = ["title", "source", "version", *free, "background", "rounding"]
    rows = [{"field": field, **{name: shown(name, field) for name in known}} for field in fields]
    for task in tasks.all_tasks():
        rows.append({"field": f"{task.name} metrics", **{name: measured(name, task.name) for name in known}})
    return [*rows, {"field": "departs", **{name: shown(name, "departs") for name in known}}]


def of_papers() -> Rows:
    """The papers' tables that can be shown with ours beside them."""
    found = [papers.paper(name) for name in papers.names()]
    return [
        {"paper": one.name, "title": one.title, "figures": len(one.figures), "measured as": one.protocol or "any"}
        for one in found
    ]


STATUSES = ("ok", "failed", "unfinished", "unreadable")
"""What a cell of a store can be. Unfinished: evidence is missing. Unreadable: a damaged or foreign file."""


def of_runs(out: Path, wanted: Filter, statuses: Sequence[str]) -> Rows:
    """A row a record or a cut evaluation; what cannot be read is of unknown cells, and always among the wanted ones."""
    for status in statuses:
        if status not in STATUSES:
            raise unknown("status", status, STATUSES)
    refused: list[InputError] = []
    store = Store(out)
    begun = [(cell, {"status": "unfinished"}) for cell in store.unfinished()]
    stored = read_stored([out], refused=refused.append) if not begun else list(store.items(refused.append))
    found: list[tuple[Cell | Record, Row]] = [*begun]
    for one in stored:
        status = "unfinished" if one.record.status == "ok" and not one.finished else one.record.status
        found.append((one.record, {"status": status, "n": one.record.n, "created": one.record.created}))
    wanted.check([cell for cell, _ in found])
    rows = [
        {
            "key": cell.key,
            "status": more["status"],
            "data set": cell.dataset,
            "task": cell.task,
            "method": cell.method,
            "steps": "–" if cell.steps is None else cell.steps,
            "seed": cell.seed,
            "n": more.get("n", "–"),
            "created": more.get("created", "–"),
        }
        for cell, more in sorted(
            found, key=lambda f: (f[0].dataset, f[0].task, f[0].method, f[0].steps or 0, f[0].seed)
        )
        if wanted(cell)
    ]
    unknowns = dict.fromkeys(("key", "data set", "task", "method", "steps", "seed", "n"), "–")
    rows += [unknowns | {"status": "unreadable", "created": str(error)} for error in refused]
    return [row for row in rows if not statuses or row["status"] in statuses]


def of_hub() -> Rows:
    """Models of others on the hub or GitHub, by the names that recipes and `bench import` know them by."""
    from ...methods.parts.published import PUBLISHED

    return [
        {
            "name": one.name,
            "what": one.what,
            "repositories": [f"github.com/{name}" if one.digests else name for name in one.repositories],
            "commits": [commit or "not pinned" for commit in one.repositories.values()],
            "gone": list(one.gone),
        }
        for one in PUBLISHED.values()
    ]


def of_baselines() -> Rows:
    """Segmenters that others have published for the papers' data sets, with what `bench run` takes of each."""
    from ...methods.parts.baselines import BASELINES

    return [
        {
            "--dataset": one.dataset,
            "model": one.model,
            "--method": one.method,
            "--checkpoint": one.weights or "–",
            "--set": [f"{name}={value}" for name, value in one.options.items()] or "–",
            "seen by its authors": one.seen,
            "classes": "the card's, in order",
            "mIoU": "–" if one.miou is None else f"{one.miou:g} ({one.source})",
            "notes": one.notes,
        }
        for one in sorted(BASELINES, key=lambda one: one.dataset)
    ]


def of_columns() -> Rows:
    """The columns of `load` and of `bench report` as CSV, Parquet or JSON."""
    return [{"column": one.name, "kind": one.kind, "what": one.what} for one in COLUMNS]


KINDS: dict[str, Callable[[], Rows]] = {
    "methods": of_methods,
    "datasets": of_datasets,
    "recipes": of_recipes,
    "metrics": of_metrics,
    "judges": of_judges,
    "papers": of_papers,
    "protocols": of_protocols,
    "support": of_support,
    "hub": of_hub,
    "baselines": of_baselines,
    "columns": of_columns,
}


def inventory(kind: str, out: Path, wanted: Filter = EVERYTHING, status: Sequence[str] | str = ()) -> Rows:
    """The rows of a kind; of `runs`, the wanted cells of the store `out`."""
    if kind not in (*KINDS, "runs"):
        raise unknown("kind", kind, (*KINDS, "runs"))
    if kind == "runs":
        return of_runs(out, wanted, several(status))
    if status or wanted != EVERYTHING:
        raise InputError(f"--task, --dataset, --method, --steps, --protocol and --status are for `runs`, not {kind}.")
    return KINDS[kind]()
