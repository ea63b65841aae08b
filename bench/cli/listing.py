"""`bench list`: what there is."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from ...symmflow.errors import InputError


class Kind(StrEnum):
    methods = "methods"
    datasets = "datasets"
    recipes = "recipes"
    metrics = "metrics"
    protocols = "protocols"
    support = "support"
    runs = "runs"


def listing(
    kind: Kind = typer.Argument(..., help="What to list."),
    out: Path = typer.Option(Path("results"), "--out", "-o", help="Folder of the records, for `runs`."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show methods, data sets, recipes, metrics, protocols, which method can do what, or finished runs."""
    import json

    rows = {
        Kind.methods: _methods,
        Kind.datasets: _datasets,
        Kind.recipes: _recipes,
        Kind.metrics: _metrics,
        Kind.protocols: _protocols,
        Kind.support: _support,
        Kind.runs: lambda: _runs(out),
    }[kind]()
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from .progress import stdout

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in rows[0] if rows else ["nothing"]:
        table.add_column(name, overflow="fold")
    for row in rows:
        # Text: fid[...] is no markup
        table.add_row(*[Text(", ".join(map(str, v)) if isinstance(v, list) else str(v)) for v in row.values()])
    stdout().print(table)


def _methods() -> list[dict[str, Any]]:
    from ... import datasets, methods

    rows = []
    for name in methods.names():
        try:
            kind = methods.method(name)
        except InputError as error:  # a package of someone else's; the others are still there
            rows.append({"method": name, "tasks": [], "checkpoints": [], "what": str(error), "source": ""})
            continue
        tasks = [t for t in methods.TASKS if any(kind.supports(t, 25, datasets.card(d)) for d in datasets.names())]
        bundled = [d for d in datasets.names() if name in methods.bundled(d)]
        rows.append({"method": name, "tasks": tasks, "checkpoints": bundled, "what": kind.title, "source": kind.source})
    return rows


SHOWN = {
    "cls": "digits",
    "ss": "digit-scenes",
    "sis": "digit-scenes",
    "sis of classes": "digits",
    "cycle": "digit-scenes",
    "cycle of classes": "digits",
}
"""Tasks as `bench list support` shows them, and the data set that stands for each."""


def _support() -> list[dict[str, Any]]:
    """What every method can do at 1, 5 and 25 steps."""
    from ... import datasets, methods
    from ..run.plan import supports

    rows = []
    for name in methods.names():
        row = {"method": name}
        try:
            kind = methods.method(name)
        except InputError:
            rows.append(row | dict.fromkeys(SHOWN, "cannot be imported"))
            continue
        for shown, dataset in SHOWN.items():
            task, card = shown.split()[0], datasets.card(dataset)
            if kind.stepless:
                row[shown] = "once" if supports(kind, task, None, card) else "–"
            else:
                able = [str(steps) for steps in (1, 5, 25) if supports(kind, task, steps, card)]
                row[shown] = ", ".join(able) or "–"
        rows.append(row)
    return rows


def _datasets() -> list[dict[str, Any]]:
    from ... import datasets

    rows = []
    for name in datasets.names():
        card = datasets.card(name)
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


def _recipes() -> list[dict[str, Any]]:
    from ... import methods

    rows = []
    for name in methods.recipe_names():
        r = methods.recipe(name)
        bundled = "bundled" if name.split("/")[1] in methods.bundled(name.split("/")[0]) else ""
        rows.append(
            {
                "recipe": name,
                "method": r.method,
                "steps": r.schedule.steps,
                "batch": r.train.batch,
                "checkpoint": bundled,
            }
        )
    return rows


def _metrics() -> list[dict[str, Any]]:
    from ..protocols.protocol import METRIC_VERSIONS

    what = {
        "accuracy": ("cls", "share of right classes", "Wilson"),
        "top5": ("cls", "share of images whose class is among the five best scores (10 classes or more)", "Wilson"),
        "brier": ("cls", "Brier score, where the scores are probabilities", "bootstrap over images"),
        "ece": (
            "cls",
            "expected calibration error, 15 bins, where the scores are probabilities",
            "delete-group jackknife",
        ),
        "miou": ("ss", "IoU a class over the whole split, mean over the classes present", "bootstrap over images"),
        "pixel_accuracy": ("ss", "share of right pixels", "bootstrap over images"),
        "fid": (
            "sis",
            "Fréchet distance; fid[NAME] when the features are not the FID Inception's",
            "delete-group jackknife",
        ),
        "fid_infinity": ("sis", "the same for endless samples, by extrapolation", "delete-group jackknife"),
        "kid": ("sis", "unbiased squared MMD, cubic kernel; named like fid", "delete-group jackknife"),
        "lpips_gt": ("sis", "LPIPS (AlexNet) to the real image of the same id", "bootstrap over labels"),
        "lpips_diversity": (
            "sis",
            "LPIPS between samples of one label (--samples-per-mask 2 or more)",
            "bootstrap over labels",
        ),
        "feature_diversity": (
            "sis",
            "distance between the features of samples of one label; named like fid",
            "bootstrap over labels",
        ),
        "alignment": (
            "sis",
            "mIoU / accuracy of an independent network on the samples, beside its score on real images",
            "as ss / cls",
        ),
        "cycle_miou": ("cycle", "mask -> image -> mask: mIoU with the mask", "bootstrap over images"),
        "cycle_accuracy": ("cycle", "class -> image -> class: share of right classes", "Wilson"),
        "cycle_lpips": ("cycle", "image -> label -> image: LPIPS to the image", "bootstrap over images"),
        "cycle_features": ("cycle", "the same as a distance of features; named like fid", "bootstrap over images"),
    }
    return [
        {"metric": name, "version": v, "task": what[name][0], "what": what[name][1], "95 % interval": what[name][2]}
        for name, v in METRIC_VERSIONS.items()
    ]


def _protocols() -> list[dict[str, Any]]:
    """A row a field, a column a protocol."""
    from ..protocols.protocol import all_rules

    known = all_rules()
    free = {"split": "any; test", "samples_per_label": "any; 1", "extractor": "any; auto"}

    def shown(name: str, field: str) -> Any:
        value = getattr(known[name], field)
        if field == "split":
            value = ", ".join(f"{task} {split}" for task, split in value.items()) or None
        return free.get(field, "") if value is None else "; ".join(value) if isinstance(value, tuple) else value

    fields = ["title", "source", "version", *free, "background", "rounding"]
    rows = [{"field": field, **{name: shown(name, field) for name in known}} for field in fields]
    for task in dict.fromkeys(task for r in known.values() for task in r.metrics):
        rows.append({"field": f"{task} metrics", **{n: list(r.metrics.get(task, ())) or "–" for n, r in known.items()}})
    return [*rows, {"field": "departs", **{name: shown(name, "departs") for name in known}}]


def _runs(out: Path) -> list[dict[str, Any]]:
    from ..compare.rows import read_records

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
        for r in sorted(read_records([out]), key=lambda r: (r.dataset, r.task, r.method, r.steps or 0, r.seed))
    ]
