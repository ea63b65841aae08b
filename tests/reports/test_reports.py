"""What is made of plain values: blocks, curves, pictures; and the published figures."""

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from markdown_it import MarkdownIt
from PIL import Image
from rich.console import Console

from symmbench.reports.block import Block, escaped, to_html, to_json, to_markdown, to_rich
from symmbench.reports.curves import Curve, Panel, Point, draw, form_of
from symmbench.reports.pictures import MARGIN, TILE, grid, image_tile, mask_tile, png, text_tile
from symmbench.reports.published import lookup, published
from symmbench.symmflow.errors import InputError

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


class Cells(HTMLParser):
    """The texts of a page's table cells, and which tags it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.cells, self.tags, self.inside = list[str](), set[str](), False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.cells[-1] += data


def rendered(text: str) -> Cells:
    """By a renderer of CommonMark with GitHub's tables and strikethrough."""
    return Cells(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


HOSTILE = [
    "<script>alert(1)</script>",
    "a_b & 50% $x$ #1 {y} ~~z~~ ^w",
    "*bold* _slanted_ __both__ `code` in_a_word",
    "[here](http://x) ![there](http://y) &lt; &#65; <!-- -->",
    "a|b \\| c\\",
    "=cmd()",
    "https://evil.example/x_y ftp://evil.example www.evil.example WWW.evil.example",
    "@octocat (@octocat/team) é@octocat _@octocat #1 owner/name#12 GH-3 me@evil.example \\@octocat &#64;octocat",
]


def test_markdown_shows_every_text_as_it_is() -> None:
    page = rendered(
        to_markdown(Block("t", "x", ["name", *HOSTILE], [[text] * (len(HOSTILE) + 1) for text in HOSTILE], []))
    )
    assert page.cells == ["name", *HOSTILE, *(text for text in HOSTILE for _ in ["name", *HOSTILE])]
    assert page.tags == {"h3", "table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize(
    "text", [*HOSTILE, "# x", "- x", "+ x", "> x", "12. x", "1) x", "===", "    x", "[x]: http://y"]
)
def test_a_note_in_markdown_is_a_paragraph(text: str) -> None:
    assert rendered(to_markdown(Block("t", text, [], [], [], [text], text))).tags <= {"h3", "blockquote", "p", "strong"}


LINKED = re.compile(
    r"(https?|ftp)://[a-z]|(?i:www\.)[a-z]|[\w.+-]@[\w-]+\.|(?<![a-zA-Z0-9_])@[a-zA-Z0-9]|(?i:#|\bgh-)\d"
)
"""What GitHub makes a link of in a piece of text, by the specification of GFM and its own mentions and references."""


class Pieces(HTMLParser):
    """The pieces of text between tags and comments, in each of which GitHub looks for links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.pieces = list[str]()
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def test_github_makes_no_link_of_a_text_and_calls_nobody() -> None:
    gfm = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    raw, shown = "\n\n".join(HOSTILE), to_markdown(Block("t", HOSTILE[0], HOSTILE, [HOSTILE], [], HOSTILE, HOSTILE[-1]))
    assert sum(len(LINKED.findall(piece)) for piece in Pieces(gfm.render(raw)).pieces) >= 14
    assert not [piece for piece in Pieces(gfm.render(shown)).pieces if LINKED.search(piece)]
    assert escaped("symmflow@5 at digits/cls@1, camvid@96x128") == "symmflow@5 at digits/cls@1, camvid@96x128"


def test_marks_are_on_the_figure_and_not_on_its_interval() -> None:
    rows = [["a", "9.0 [8.0, 9.5]"], ["b", "8.0"]]
    text = to_markdown(Block("t", "x", ["m", "f"], rows, [], marks={(0, 1): "best", (1, 1): "second"}))
    assert "| a | **9.0** [8.0, 9.5] |" in text and "| b | <ins>8.0</ins> |" in text


@pytest.mark.parametrize(("form", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_picture_is_of_its_form_and_names_are_text(form: Any, begins: bytes) -> None:
    names = ["a $x$ $\\foo", "_hidden", "<script>alert(1)</script>--><b>"]
    panels = [Panel("$d$", "accuracy [%]", [Curve(name, [Point(1, 80), Point(5, 90)]) for name in names])]
    made = draw(panels, form)
    assert made.startswith(begins) and made == draw(panels, form)
    if form == "svg":
        root = ElementTree.fromstring(made)
        assert not [e for e in root.iter() if e.tag.rpartition("}")[2] in ("script", "b")]
        drawn = {e.get("id") for e in root.iter() if str(e.get("id")).startswith("text_")}
        legend = next(e for e in root.iter() if e.get("id") == "legend_1")
        assert len([e for e in legend.iter() if e.get("id") in drawn]) == len(names)


def test_a_picture_s_form_is_the_ending_of_its_name() -> None:
    assert [form_of(Path(name)) for name in ("a.png", "b.SVG", "c.d.pdf")] == ["png", "svg", "pdf"]
    for name in ("a.jpg", "png", "a.png.", "/dev/null"):
        with pytest.raises(InputError, match=r"let it end in .png, .svg or .pdf"):
            form_of(Path(name))
