"""What comparisons found, as blocks of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from .block import Block
from .published import of as published_of
from .tables import at_steps, figure, heading, row_name

if TYPE_CHECKING:
    from ..bench.compare.claims.findings import Finding
    from ..bench.compare.fronts import Front
    from ..bench.compare.rows import Row, Table
    from ..bench.compare.selftest import Self
    from ..bench.compare.spread import Sources
    from ..bench.compare.verdicts import Judged


def judged_block(judged: Judged) -> Block:
    """The verdicts of a table against its baseline."""
    rows, data = [], []
    for row, base, verdicts in judged.verdicts:
        for v in verdicts:
            scale, digits = (100, 2) if row.metrics[v.metric].unit == "fraction" else (1, 3)
            low, value, high = (
                f"{x * scale:+.{digits}f}" for x in (v.difference.low, v.difference.value, v.difference.high)
            )
            p = "<0.0001" if v.p < 1e-4 else f"{v.p:.2g}"
            against = at_steps(judged.table, base)
            steps = "–" if row.steps is None else str(row.steps)
            rows.append([row_name(judged.table, row), steps, against, v.metric, f"{value} [{low}, {high}]", p, v.word])
            data.append(
                {
                    "protocol": judged.table.protocol,
                    "method": row.method,
                    "steps": row.steps,
                    "baseline": {"method": base.method, "steps": base.steps},
                    **asdict(v),
                }
            )
    return Block(
        "verdicts",
        f"{heading(judged.table)}, against the baseline",
        ["method", "steps", "against", "metric", "difference", "p (Holm)", "verdict"],
        rows,
        data,
        [
            *[f"{r}." for r in judged.remarks],
            f"the 95 % intervals cover {_sources(judged)}, paired where both were measured on the same.",
            "equivalent: the 90 % interval lies inside the metric's floor (--floors).",
        ],
        left=(0, 2, 3, 6),
    )


def _sources(judged: Judged) -> str:
    covers = dict.fromkeys(v.difference.covers for _, _, verdicts in judged.verdicts for v in verdicts)
    return " / ".join(covers) or "nothing"


def findings_block(findings: Sequence[Finding]) -> Block:
    """The papers' claims, each with its verdict and figures."""
    rows = [[f.claim, f.source, f.verdict, f.said] for f in findings]
    data = [asdict(f) for f in findings]
    return Block(
        "findings", "The papers' claims, here", ["claim", "source", "here", "figures"], rows, data, left=(0, 1, 2, 3)
    )


def front_block(front: Front) -> Block:
    """The rows by quality and cost, and which of them are on the front."""
    costs = list(front.choice)
    better = next(p.row.metrics[front.metric].better for p in front.points)
    share = next(p.row.metrics[front.metric].unit for p in front.points) == "fraction"
    epsilon = f"{front.epsilon * 100:.3g} points" if share else f"{front.epsilon:.3g}"
    rows, data = [], []
    for p in front.points:
        row = p.row
        cells = [at_steps(front.table, row), figure(row.metrics[front.metric]), _number(row.nfe), _number(row.seconds)]
        for cost in costs:
            cells.append(f"{'yes' if p.on_front[cost] else 'no'} ({p.frequency[cost]:.0%})")
            cells.append(f"{'yes' if front.choice[cost] is row else 'no'} ({p.cheapest[cost]:.0%})")
        rows.append(cells)
        chosen = {c: front.choice[c] is row for c in costs}
        data.append(
            {
                "protocol": front.table.protocol,
                "metric": front.metric,
                "epsilon": front.epsilon,
                "method": row.method,
                "steps": row.steps,
                "value": p.value,
                "nfe": row.nfe,
                "seconds": row.seconds,
                "on_front": p.on_front,
                "frequency": p.frequency,
                "chosen": chosen,
                "chosen_frequency": p.cheapest,
            }
        )
    headers = ["row", f"{front.metric} {'↑' if better == 'higher' else '↓'}", "NFE", "s / image"]
    headers += [h for cost in costs for h in (f"front by {cost}", f"cheapest by {cost}")]
    notes = [
        *[f"{remark}." for remark in front.remarks],
        "front: no other row is as good and as cheap; in brackets how often, over test images drawn anew.",
        f"cheapest: the cheapest row within {epsilon} of the best (--within).",
        "seconds are of the runs themselves: only those of one machine, otherwise idle, can be compared.",
    ]
    return Block("fronts", f"{heading(front.table)}, quality against cost", headers, rows, data, notes)


def sources_block(found: Sources) -> Block:
    """Standard deviations of a metric by their source."""
    rows, data = [], []
    for s in found.sources:
        scale, digits = (100, 2) if s.row.metrics[found.metric].unit == "fraction" else (1, 3)
        parts = [s.spread.images, s.spread.generation, s.spread.training]
        shown = ["–" if part is None else f"{part * scale:.{digits}f}" for part in parts]
        rows.append(
            [at_steps(found.table, s.row), f"{s.value * scale:.{digits}f}", *shown, str(s.trainings), str(s.seeds)]
        )
        data.append(
            {
                "protocol": found.table.protocol,
                "metric": found.metric,
                "method": s.row.method,
                "recipe": s.row.recipe,
                "steps": s.row.steps,
                "value": s.value,
                "trainings": s.trainings,
                "seeds": s.seeds,
                **asdict(s.spread),
            }
        )
    headers = ["row", f"{found.metric}, mean", "test images", "generation", "training", "trainings", "seeds"]
    notes = [
        "Standard deviations, other things equal; a dash: it takes two seeds (--seeds 0,1) or two trainings to tell."
    ]
    return Block("spread", f"{heading(found.table)}, sources of chance", headers, rows, data, notes)


def published_block(table: Table) -> Block:
    """The papers' rows for a table's task and data set, each with its caveat and our figure at equal steps."""
    rows, data = [], []
    for p in published_of(table.task, table.dataset):
        ours = _ours(table, p.method, p.steps, p.solver, p.metric)
        value = f"{p.value * 100:.1f}" if p.share else f"{p.value:g}"
        shown = figure(ours.metrics[p.metric]) if ours else "–"
        rows.append([p.method, str(p.steps), p.metric, value, shown, f"{p.source}, table {p.table}", p.note or "–"])
        data.append({**asdict(p), "ours": ours.metrics[p.metric].model_dump(mode="json") if ours else None})
    notes = ["The papers' figures have no intervals and protocols of their own: no difference is tested."]
    if not rows:
        notes = [f"No paper has figures for {table.task} on {table.dataset}."]
    headers = ["method", "steps", "metric", "paper", "here", "source", "caveat"]
    return Block(
        "published", f"{table.dataset}/{table.task}, as published", headers, rows, data, notes, left=(0, 2, 5, 6)
    )


def self_block(found: Self) -> Block:
    """False alarms of comparisons of equals."""
    rows = [
        [
            r.metric,
            r.how,
            str(r.rows),
            f"{r.alarms} of {r.trials}",
            f"{r.share.value:.1%} [{r.share.low:.1%}, {r.share.high:.1%}]",
        ]
        for r in found.rates
    ]
    notes = [
        "exchange: images of two seeds of a row change sides at random; runs: its seeds against each other. "
        "5 % should alarm.",
        *[f"{remark}." for remark in found.remarks],
    ]
    data = [{"protocol": found.table.protocol, **asdict(r)} for r in found.rates]
    headers = ["metric", "how", "rows", "alarms", "share"]
    return Block("self", f"{heading(found.table)}, against itself", headers, rows, data, notes, left=(0, 1))


def _ours(table: Table, method: str, steps: int, solver: str, metric: str) -> Row | None:
    for row in table.rows:
        same = (row.method, row.steps, row.solver or "") == (method, steps, solver)
        if same and metric in row.metrics and metric in row.paper:
            return row
    return None


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
