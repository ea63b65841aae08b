"""What is made of plain values: blocks, curves, pictures; and the published figures."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from symmbench.reports.block import Block, to_html, to_json, to_markdown, to_rich
from symmbench.reports.curves import Curve, Panel, Point, draw
from symmbench.reports.pictures import MARGIN, TILE, grid, image_tile, mask_tile, png, text_tile
from symmbench.reports.published import lookup, published

BLOCK = Block(
    "tables", "Digits", ["method", "fid[x] ↓"], [["a|b", "1.5"], ["<i>", "2"]], [{"n": 1}], ["Said."], "Mind!"
)


def test_a_block_says_the_same_in_every_format() -> None:
    console = Console(width=200, file=io.StringIO())
    console.print(to_rich(BLOCK))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for text in (shown, to_markdown(BLOCK), to_html([BLOCK])):
        assert all(said in text for said in ("Digits", "fid[x] ↓", "1.5", "Said.", "Mind!"))
    assert "| a\\|b | 1.5 |" in to_markdown(BLOCK) and "| --- | ---: |" in to_markdown(BLOCK)
    assert "&lt;i&gt;" in to_html([BLOCK])
    assert json.loads(to_json([BLOCK, BLOCK])) == {"tables": [{"n": 1}] * 2, "findings": []}


def test_published_figures_are_found_by_exactly_their_cell() -> None:
    assert lookup("symmflow", "cls", "cifar-10", "test", "accuracy", 25, "euler").value == pytest.approx(0.906)  # type: ignore[union-attr]
    dsm = {
        solver: lookup("dsm", "ss", "coco-stuff", "validation", "miou", 25, solver)
        for solver in ("ddim", "ddpm", "euler")
    }
    assert dsm["ddim"].value == pytest.approx(0.136) and dsm["ddpm"].value == pytest.approx(0.175)  # type: ignore[union-attr]
    assert dsm["euler"] is None and lookup("dsm", "ss", "coco-stuff", "train", "miou", 25, "ddim") is None
    # the zero-shot figure is no figure of the model that is trained on the data
    assert lookup("diffusion-classifier", "cls", "cifar-10", "test", "accuracy", 2750, None) is None


def test_published_figures_keep_their_caveats() -> None:
    rows = published()
    assert len(rows) > 100 and {r.source for r in rows} == {"symmflow-paper", "semflow-paper"}
    assert all(0 <= r.value <= 1 for r in rows if r.metric in ("accuracy", "miou"))
    retrained = [r for r in rows if r.method == "semflow[symmflow-retrained]"]
    assert retrained and all("not SemFlow's own recipe" in r.note for r in retrained)


def test_curves_draw_a_panel_a_metric() -> None:
    rising = Curve("flow", [Point(1, 80, 79, 81, 78), Point(5, 90, 89, 91), Point(25, 95)])
    level = Curve("cnn", [Point(None, 99)])
    pictures = [Image.open(io.BytesIO(draw([Panel("d", "accuracy [%]", [rising, level])] * n))) for n in (1, 2)]
    assert pictures[0].format == "PNG" and pictures[0].width > 400 and pictures[1].width > 1.5 * pictures[0].width
    colors = {tuple(c) for c in np.asarray(pictures[0].convert("RGB")).reshape(-1, 3)}
    assert {(0xD5, 0x5E, 0x00), (0x00, 0x72, 0xB2)} <= colors  # a colour a name


def test_images_are_enlarged_without_smoothing() -> None:
    grey = image_tile(np.array([[[0, 255]]], dtype=np.uint8).repeat(2, axis=1))
    assert grey.size == (TILE, TILE) and set(map(tuple, np.asarray(grey).reshape(-1, 3).tolist())) == {
        (0, 0, 0),
        (255, 255, 255),
    }
    colored = image_tile(np.arange(12, dtype=np.uint8).reshape(3, 2, 2))
    assert colored.getpixel((0, 0)) == (0, 4, 8) and colored.getpixel((TILE - 1, TILE - 1)) == (3, 7, 11)


def test_masks_are_drawn_in_their_palette_and_void_in_grey() -> None:
    tile = mask_tile(np.array([[1, 255]]).repeat(2, axis=0), [(0, 0, 0), (9, 8, 7)])
    assert tile.getpixel((0, 0)) == (9, 8, 7) and tile.getpixel((TILE - 1, 0)) == (128, 128, 128)


def test_a_grid_has_a_place_for_every_tile_and_caption() -> None:
    tiles = [[text_tile("7"), text_tile("a long name")]] * 3
    plain, captioned = grid(tiles), grid(tiles, rows=["a", "b", "c"], columns=["x", "y"])
    assert plain.size == (MARGIN + 2 * (TILE + MARGIN), MARGIN + 3 * (TILE + MARGIN))
    assert captioned.width > plain.width and captioned.height > plain.height
    assert len(np.unique(np.asarray(text_tile("7")))) > 2 and Image.open(io.BytesIO(png(plain))).size == plain.size
