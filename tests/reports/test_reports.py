import io
import json

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from symmbench import datasets
from symmbench.bench.compare.rows import tables
from symmbench.bench.records.record import CheckpointFacts, Cost, Metric, Record
from symmbench.reports.block import to_json, to_markdown, to_rich
from symmbench.reports.curves import steps_curves
from symmbench.reports.pictures import TILE, label_tile, preview
from symmbench.reports.published import lookup, published
from symmbench.reports.tables import figure, notes, table_block


def record(steps: int | None, seed: int = 0, method: str = "symmflow", value: float = 0.9, **change: object) -> Record:
    return Record(
        key=f"{method}-{steps}-{seed}",
        status="ok",
        method=method,
        checkpoint=CheckpointFacts(
            name="x", sha256="0", fingerprint="0" * 64, recipe=f"two-spirals/{method}", parameters=1
        ),
        task="cls",
        dataset="two-spirals",
        split="test",
        steps=steps,
        solver="euler",
        precision="fp32",
        seed=seed,
        limit=None,
        samples_per_mask=1,
        noise="n",
        n=100,
        nfe=steps or 1,
        metrics={
            "accuracy": Metric(value=value, low=value - 0.02, high=value + 0.02, covers="test images"),
            "fid[digits-cnn]": Metric(value=12.5, unit="distance", better="lower"),
        },
        cost=Cost(batch_size=64, device="cpu", images_per_second=1234.5),
        protocol={"name": "two-spirals/cls@1", "hash": "abc"},
    ).model_copy(update=change)


def test_rows_aggregate_seeds_and_say_what_the_interval_covers() -> None:
    (table,) = tables([record(1, seed, value=v) for seed, v in enumerate((0.68, 0.7, 0.72))])
    (row,) = table.rows
    assert row.seeds == (0, 1, 2) and row.metrics["accuracy"].value == pytest.approx(0.7)
    assert row.metrics["accuracy"].covers == "generation seeds"
    assert row.metrics["accuracy"].high - 0.7 == pytest.approx(4.3027 * 0.02 / np.sqrt(3), rel=1e-3)
    (table,) = tables([record(1, seed, value=v) for seed, v in enumerate((0.8, 1.0))])
    assert table.rows[0].metrics["accuracy"].high == 1  # a share is no more than all


def test_sources_of_chance_are_told_apart_by_metric_or_by_row() -> None:
    images = Metric(value=0.5, low=0.4, high=0.6, covers="test images")
    seeds = images.model_copy(update={"covers": "generation seeds"})

    def said(*covers: tuple[Metric, Metric, Metric]) -> str:
        names = ("accuracy", "top5", "ece")
        made = [record(s, metrics=dict(zip(names, c, strict=True))) for s, c in zip((1, 5, 25), covers, strict=True)]
        return notes(tables(made)[0])[0]

    assert said(*[(images, images, images)] * 3).startswith("95 % intervals cover test images; percent")
    assert "cover test images, but generation seeds for ece; percent" in said(*[(images, images, seeds)] * 3)
    by_row = said((images, images, images), (images, images, images), (seeds, seeds, seeds))
    assert "but generation seeds for symmflow@25; percent" in by_row
    one = said((images, images, images), (images, images, images), (images, images, seeds))
    assert "but generation seeds for ece of symmflow@25; percent" in one


def test_papers_figures_stand_beside_matching_cells_only() -> None:
    (table,) = tables([record(50), record(7), record(50, method="other")])
    assert {(r.method, r.steps): r.paper for r in table.rows} == {
        ("symmflow", 50): {"accuracy": 0.82},
        ("symmflow", 7): {},
        ("other", 50): {},
    }
    assert lookup("symmflow", "cls", "cifar-10", "accuracy", 25, "euler").value == pytest.approx(0.906)  # type: ignore[union-attr]
    dsm = {solver: lookup("dsm", "ss", "coco-stuff", "miou", 25, solver) for solver in ("ddim", "ddpm", "euler")}
    assert dsm["ddim"].value == pytest.approx(0.136) and dsm["ddpm"].value == pytest.approx(0.175)  # type: ignore[union-attr]
    assert dsm["euler"] is None
    # the zero-shot figure is no figure of the model that is trained on the data
    assert lookup("diffusion-classifier", "cls", "cifar-10", "accuracy", 2750, None) is None


def test_published_figures_keep_their_caveats() -> None:
    rows = published()
    assert len(rows) > 100 and {r.source for r in rows} == {"symmflow-paper", "semflow-paper"}
    assert all(0 <= r.value <= 1 for r in rows if r.metric in ("accuracy", "miou"))
    retrained = [r for r in rows if r.method == "semflow[symmflow-retrained]"]
    assert retrained and all("not SemFlow's own recipe" in r.note for r in retrained)


def test_metric_names_in_brackets_survive_every_format() -> None:
    found = tables([record(1), record(5, precision="bf16"), record(2, status="failed", reason="boom\nRuntimeError: x")])
    console = Console(width=200, file=io.StringIO())
    console.print(to_rich(table_block(found[0])))
    assert "fid[digits-cnn] ↓" in console.file.getvalue()  # type: ignore[attr-defined]
    text = to_markdown(table_block(found[0]))
    assert "| fid[digits-cnn] ↓ |" in text and "90.0 [88.0, 92.0]" in text and "symmflow bf16" in text
    assert "failed: symmflow steps=2 seed=0: RuntimeError: x" in text
    assert json.loads(to_json([table_block(found[0])]))["tables"][0]["rows"][0]["metrics"]["accuracy"]["value"] == 0.9


def test_figures_show_percent_for_shares_and_three_digits_for_small_distances() -> None:
    assert figure(Metric(value=0.97345)) == "97.3"
    assert figure(Metric(value=1.23456, unit="distance", low=1.0, high=1.5)) == "1.235 [1.000, 1.500]"


def test_curves_draw_a_panel_a_metric() -> None:
    found = tables([record(1), record(5), record(25), record(None, method="cnn")])
    picture = Image.open(io.BytesIO(steps_curves(found)))
    assert picture.format == "PNG" and picture.width > 400
    assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 20


@pytest.mark.parametrize("task", ["ss", "sis"])
def test_previews_show_the_first_images(task: str) -> None:
    data = datasets.load("digit-scenes", "test")
    batch = data.batch(range(4))
    output = batch.labels if task == "ss" else data.images[:4]
    picture = Image.open(io.BytesIO(preview(data.card, task, batch, output)))
    assert picture.width > 4 * TILE and picture.height > 3 * TILE


def test_masks_are_drawn_in_their_palette_and_void_in_grey() -> None:
    card = datasets.card("digit-scenes")
    tile = label_tile(np.array([[1, 255]]).repeat(2, axis=0), card)
    assert tile.getpixel((0, 0)) == card.palette[1] and tile.getpixel((TILE - 1, 0)) == (128, 128, 128)  # type: ignore[index]
