"""`bench reproduce`: does a record come out again?"""

from __future__ import annotations

from pathlib import Path

import typer


def reproduce(
    record: Path = typer.Argument(..., help="The folder of a cell, or its record.json."),
    checkpoint: str | None = typer.Option(None, "--checkpoint", help="Folder or hub id. Default: the bundled one."),
    data_root: Path | None = typer.Option(None, "--data-root", help="Where the files of the data set lie."),
    device: str = typer.Option("auto", "--device", help="cpu, cuda, cuda:1; auto takes CUDA where there is one."),
    batch_size: int | None = typer.Option(None, "--batch-size", help="Images a batch. Default: as in the record."),
    trust: bool = typer.Option(False, "--trust", help="Let configs and pickles from elsewhere run code."),
) -> None:
    """Evaluate the cell of a record again. Exit code 1 if the figures do not come out."""
    from ..compare.gate import identity
    from ..run.reproduce import ROUNDING
    from ..run.reproduce import reproduce as again
    from .progress import sweep_progress

    with sweep_progress(quiet=False) as progress:
        found = again(
            record,
            checkpoint=checkpoint,
            data_root=data_root,
            device=device,
            batch_size=batch_size,
            trust=trust,
            progress=progress,
        )
    for name, (gap, share) in found.off.items():
        of_width = "" if share is None else f", {share:.2g} of its interval's width"
        was = found.before.metrics[name].value if name in found.before.metrics else "absent"
        print(f"{name}: {was} {gap:+.3g}{of_width}")
    said = {
        "bit for bit": "comes out bit for bit",
        "to rounding": f"comes out to rounding: every metric within {ROUNDING:.0%} of its interval's width",
        "no": "does not come out",
    }[found.verdict]
    print(f"{identity(found.before)} {said}.")
    if found.verdict == "no":
        raise typer.Exit(1)
