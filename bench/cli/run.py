"""`bench run`: evaluate methods over tasks, data sets, step counts and seeds."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from . import parse


def run(
    method: str = typer.Option(
        "symmflow", "--method", "-m", help="Methods, comma separated; 'all' = every bundled one."
    ),
    task: str | None = typer.Option(
        None, "--task", "-t", help="cls, ss, sis (classify, segment, synthesize). Default: these. Also: cycle."
    ),
    dataset: str | None = typer.Option(
        None, "--dataset", "-d", help="Data sets. Default: digits for cls, digit-scenes else."
    ),
    steps: str = typer.Option("25", "--steps", help="Inference steps, comma separated."),
    seeds: str = typer.Option("0", "--seeds", help="Generation seeds, comma separated."),
    solver: str | None = typer.Option(
        None,
        "--solver",
        help="Flows: euler, midpoint, heun, rk4, or dopri5 (adaptive: no steps). Diffusion: ddim, ddpm. "
        "Default: the method's first.",
    ),
    overrides: list[str] = typer.Option([], "--set", help="An inference option of a method: --set beta=3"),
    protocol: str = typer.Option("harness", "--protocol", help="How to measure: see `bench list protocols`."),
    split: str | None = typer.Option(None, "--split", help="Split of the data set. Default: test."),
    limit: int | None = typer.Option(
        None, "--limit", help="Only the first N samples: another protocol than all of them."
    ),
    checkpoint: str | None = typer.Option(None, "--checkpoint", help="Folder or hub id. Default: the bundled one."),
    data_root: Path | None = typer.Option(None, "--data-root", help="Where the files of the data set lie."),
    samples_per_mask: int | None = typer.Option(
        None, "--samples-per-mask", help="Syntheses a label; lpips_diversity needs two. Default: 1."
    ),
    extractor: str | None = typer.Option(
        None, "--extractor", help="inception, mobilenet-v2, digits-cnn, or auto, the default: see the README."
    ),
    batch_size: int = typer.Option(64, "--batch-size", help="Images a batch, 1-256. Does not change the figures."),
    precision: str = typer.Option("fp32", "--precision", help="fp32, bf16 or fp16 (autocast)."),
    device: str = typer.Option("auto", "--device", help="cpu, cuda, cuda:1; auto takes CUDA where there is one."),
    out: Path = typer.Option(Path("results"), "--out", "-o", help="Folder of the records."),
    trust: bool = typer.Option(False, "--trust", help="Let configs and pickles from elsewhere run code."),
    force: bool = typer.Option(False, "--force", help="Evaluate again what is already there."),
    as_json: bool = typer.Option(False, "--json", help="Print the records as JSON."),
) -> None:
    """Evaluate methods. The same command again evaluates only what is missing."""
    from ...symmflow.recipe import parse_overrides
    from ..records.record import dumps
    from ..run.plan import Request, plan
    from ..run.sweep import sweep
    from .progress import console, stdout, sweep_progress

    request = Request(
        methods=parse.names(method, "--method"),
        tasks=parse.names(task, "--task"),
        datasets=parse.names(dataset, "--dataset"),
        steps=parse.integers(steps, "--steps", minimum=1),
        seeds=parse.integers(seeds, "--seeds", minimum=0),
        split=split,
        solver=solver,
        options=parse_overrides(overrides),
        checkpoint=checkpoint,
        precision=precision,
        limit=limit,
        samples_per_mask=samples_per_mask,
        extractor=extractor,
        protocol=protocol,
        data_root=data_root,
        batch_size=batch_size,
        device=device,
        out=out,
        force=force,
        trust=trust,
    )
    planned = plan(request)
    with sweep_progress(quiet=as_json) as progress:
        outcome = sweep(planned, request, progress)
    if as_json:
        print(dumps(outcome.records))
    else:
        from ...reports.block import to_rich
        from ...reports.tables import table_block
        from ..compare.rows import tables

        for table in tables(outcome.records):
            stdout().print(to_rich(table_block(table)))
    for cell in [*planned.unsupported, *outcome.unusable]:
        at = f" at {cell.steps} step{'s' if cell.steps > 1 else ''}" if cell.steps else ""
        print(f"unsupported: {cell.method} {cell.task}{at} on {cell.dataset}: {cell.reason}.", file=sys.stderr)
    total = len(outcome.records)
    if outcome.evaluated == 0 and outcome.reused == total:
        console.print(
            f"nothing to evaluate: all {total} cells are in {out} (--force evaluates them again).", highlight=False
        )
    else:
        print(
            f"evaluated {outcome.evaluated:,} samples in {total - outcome.reused} cells; "
            f"{outcome.reused} were in {out}.",
            file=sys.stderr,
        )
    if outcome.failed:
        print(f"{len(outcome.failed)} of {total} cells failed; the tracebacks are in their records.", file=sys.stderr)
        raise typer.Exit(1)
