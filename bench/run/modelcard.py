"""The model card of an exported checkpoint: recipe, data, figures with their intervals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ...symmflow.names import printable
from ..records import read_stored

if TYPE_CHECKING:
    from ...datasets import Card
    from ...symmflow.checkpoint import Checkpoint


def model_card(checkpoint: Checkpoint, card: Card, results: Path | None) -> str:
    """Markdown with the front matter that the hub reads."""
    recipe, manifest = checkpoint.recipe, checkpoint.manifest
    steps = manifest.get("trained_steps")
    parameters = manifest.get("parameters", 0)
    trained = f"{steps:,} of {recipe.schedule.steps:,} steps" if steps else "elsewhere, and imported"
    told = [
        "---",
        "library_name: diffusers",
        f"tags: [symmbench, {recipe.method}]",
        "---",
        f"# {recipe.name}",
        "",
        f"A {recipe.method} checkpoint of {parameters:,} parameters for {card.title}, trained {trained}.",
        "",
        "`config.json` and `diffusion_pytorch_model.safetensors` are the U-Net in diffusers' format; "
        "`beside.safetensors`, where there is one, is what the network holds beside it. "
        "`bench import THIS_FOLDER` makes a checkpoint of it that `bench run` evaluates.",
        "",
        "## Data",
        "",
        f"{card.title}. {card.source}. Licence: {card.licence}.",
    ]
    if data := manifest.get("data"):
        told += ["", f"Trained on {data.get('n')} samples of {data.get('name')} {data.get('split')}."]
    shown = recipe.model_dump(mode="json", exclude_defaults=True, exclude={"name", "notes", "source"})
    told += ["", "## Recipe", "", recipe.notes, *([f"Source: {recipe.source}."] if recipe.source else [])]
    told += ["", "```json", json.dumps(shown, indent=2), "```", "", "## Figures", ""]
    rows = [] if results is None else figures(checkpoint, results)
    if not rows:
        told.append("None were given.")
    else:
        told += [
            "| task | data | steps | solver | metric | value | 95 % interval | protocol |",
            "|---" * 8 + "|",
            *rows,
        ]
    return printable("\n".join(told) + "\n")


def figures(checkpoint: Checkpoint, results: Path) -> list[str]:
    """A row a figure of this checkpoint in a store, whatever the store holds of others."""
    rows = []
    for stored in read_stored([results]):
        record = stored.record
        if record.checkpoint.fingerprint != checkpoint.fingerprint:
            continue
        for name, figure in record.metrics.items():
            told = figure.low is not None and figure.high is not None
            interval = f"{figure.low:.4g} to {figure.high:.4g}" if told else "–"
            cells = [
                record.task, f"{record.dataset} {record.split}, {record.n:,}", record.steps or "–",
                record.solver or "–", name, f"{figure.value:.4g}", interval, record.protocol["hash"][:12],
            ]  # fmt: skip
            rows.append("| " + " | ".join(map(str, cells)) + " |")
    return rows
