"""`bench compare`: tables of finished cells."""

from __future__ import annotations

import sys
from enum import StrEnum
from math import inf
from pathlib import Path

import typer

from . import parse


class Format(StrEnum):
    text = "text"
    md = "md"


class Against(StrEnum):
    published = "published"


def compare(
    results: list[Path] = typer.Argument(None, help="Folders of records. Default: results."),
    task: str | None = typer.Option(None, "--task", "-t", help="Only these tasks."),
    dataset: str | None = typer.Option(None, "--dataset", "-d", help="Only these data sets."),
    method: str | None = typer.Option(None, "--method", "-m", help="Only these methods."),
    steps: str | None = typer.Option(None, "--steps", help="Only these step counts."),
    protocol: str = typer.Option("", "--protocol", help="Only this protocol: its name, or the beginning of its hash."),
    mixed: bool = typer.Option(
        False, "--allow-protocol-diff", help="Put rows of different protocols into one table, stamped."
    ),
    by_seed: bool = typer.Option(False, "--by-seed", help="A row a seed, instead of the mean over seeds."),
    sort: str | None = typer.Option(None, "--sort", help="Order rows by a metric, nfe or seconds; the best first."),
    baseline: str | None = typer.Option(
        None,
        "--baseline",
        help="Judge every row against this method at equal steps, or against one row: symmflow@1; symmflow@5,heun.",
    ),
    pareto: str | None = typer.Option(
        None, "--pareto", help="The front of this metric against NFE and seconds, and the cheapest row good enough."
    ),
    within: float | None = typer.Option(
        None, "--within", help="How much worse than the best is good enough for --pareto. Default: the metric's floor."
    ),
    spread: str | None = typer.Option(
        None,
        "--spread",
        help="Split the chance in this metric by source: test images, generation seeds, training runs.",
    ),
    against: Against | None = typer.Option(
        None, "--against", help="published: the papers' own figures beside ours, with their caveats."
    ),
    itself: bool = typer.Option(
        False, "--self", help="Compare every row with itself: how often is a difference found that is none?"
    ),
    floors: Path | None = typer.Option(None, "--floors", help="TOML file of the smallest differences that matter."),
    form: Format = typer.Option(Format.text, "--format", help="text or md."),
    plot: Path | None = typer.Option(None, "--plot", help="Draw the curves over steps into this PNG file."),
    as_json: bool = typer.Option(False, "--json", help="Print the tables as JSON."),
) -> None:
    """Tables of what was measured, one a protocol, with 95 % intervals and the papers' figures where they exist."""
    from ...reports import comparisons
    from ...reports.block import to_json, to_markdown, to_rich
    from ...reports.tables import table_block
    from ...symmflow.errors import InputError
    from ..compare.claims.findings import findings
    from ..compare.difference import read_floors
    from ..compare.fronts import front
    from ..compare.rows import Filter, check_protocols, choose, read_stored, tables
    from ..compare.rows import sort as sort_rows
    from ..compare.selftest import against_itself
    from ..compare.spread import sources
    from ..compare.verdicts import judge
    from ..records.record import Record
    from ..run.plan import task_name
    from .progress import stdout

    if within is not None and (pareto is None or not 0 <= within < inf):
        raise InputError("--within takes zero or more, and goes with --pareto.")
    folders = results or [Path("results")]
    replaced: list[Record] = []
    stored = read_stored(folders, replaced)
    wanted = Filter(
        tasks=[task_name(t) for t in parse.names(task, "--task")],
        datasets=parse.names(dataset, "--dataset"),
        methods=parse.names(method, "--method"),
        steps=parse.integers(steps, "--steps", minimum=1) if steps else (),
        protocol=protocol,
    )
    records = choose([record for record, _ in stored], wanted)
    chosen = {record.key for record in records}
    stored = [s for s in stored if s[0].key in chosen]
    if not mixed:
        check_protocols(records, folders)
    found = tables(records, mixed=mixed, by_seed=by_seed, folders=folders)
    if replaced:
        print(
            f"note: {len(replaced)} cells were measured more than once, with other figures; the newest record counts "
            "(`bench gate OLD NEW` compares them).",
            file=sys.stderr,
        )
    if sort:
        sort_rows(found, sort)
    limits = read_floors(floors)
    blocks = [table_block(table) for table in found]
    if pareto is not None:
        having = [t for t in found if pareto in t.metrics] or found
        blocks += [comparisons.front_block(front(t, stored, pareto, limits, within)) for t in having]
    if spread is not None:
        having = [t for t in found if spread in t.metrics] or found
        blocks += [comparisons.sources_block(sources(t, stored, spread)) for t in having]
    if baseline:
        blocks += [comparisons.judged_block(j) for j in judge(found, stored, baseline, limits)]
    if against:
        blocks += [comparisons.published_block(table) for table in found]
    if itself:
        blocks += [comparisons.self_block(one) for one in against_itself(found, stored)]
    if claims := findings(stored):
        blocks.append(comparisons.findings_block(claims))
    if plot is not None:
        from ...reports.curves import steps_curves
        from ..records.record import write_atomically

        write_atomically(plot, steps_curves(found))
    if as_json:
        print(to_json(blocks))
    elif form is Format.md:
        print("\n".join(to_markdown(block) for block in blocks))
    else:
        for block in blocks:
            stdout().print(to_rich(block))
