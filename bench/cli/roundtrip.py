"""`bench roundtrip`: what an autoencoder loses."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import typer

from .. import api
from . import complete
from .options import takes


@takes(api.roundtrip)
def roundtrip(
    recipe: str = typer.Argument(
        ..., help="A recipe with [latents]: a bundled one, or a TOML file.", autocompletion=complete.of("recipe")
    ),
    as_json: bool = typer.Option(False, "--json", help="Print it as JSON."),
    **asked: Any,
) -> None:
    """Encode and decode a data set's images and masks: the ceiling of any segmentation in a recipe's latents."""
    from .progress import bars, print_table

    with bars() as shown:
        task = shown.add_task(recipe, total=None, extra="")
        found = api.roundtrip(
            recipe, progress=lambda done, total: shown.update(task, completed=done, total=total), **asked
        )
    if as_json:
        print(json.dumps(asdict(found), indent=2))
        return
    shape = "x".join(map(str, found.latents))
    print(f"{found.dataset} {found.split}, {found.n:,} images, in {found.recipe}'s latents of {shape}:")
    print(f"images come back with {found.psnr:.2f} dB (PSNR).")
    if found.accuracy is not None and found.miou is not None:
        print(f"masks come back {100 * found.accuracy:.2f} % right, with mIoU {100 * found.miou:.2f} %:")
        rows = [{"class": c, "IoU": "–" if v is None else f"{100 * v:.2f}"} for c, v in found.iou.items()]
        print_table(rows)
