"""Galleries, trajectories and studies of a small real store; each picture and number is what the records hold."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pages import read
from PIL import Image

from symmbench import datasets
from symmbench.bench import api, metrics, run
from symmbench.bench.compare.influence import influence
from symmbench.bench.compare.page import trajectories
from symmbench.bench.compare.page.album import Album
from symmbench.bench.compare.page.gallery import CHARACTERS, _judged, _noise
from symmbench.bench.compare.page.gathered import Page
from symmbench.bench.compare.page.studies import Study, _groups
from symmbench.bench.compare.tables import tables
from symmbench.bench.records import Figure, Missing, Stored, lot, read_stored
from symmbench.symmflow.errors import InputError

SAMPLES = 8


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("gallery")
    asked: dict[str, Any] = {"limit": 60, "device": "cpu", "keep_images": SAMPLES, "out": out}
    run(methods=["symmflow", "unet"], tasks="ss", steps=[1, 3], **asked)
    run(methods="symmflow", tasks="ss", steps=[1], seeds=[1], **asked)
    run(methods="semflow", tasks="sis", steps=[1, 2], **asked)
    run(methods="semflow", tasks="sis", steps=[2], options={"beta": 0}, **asked)
    run(methods="semflow", tasks="sis", steps=[1], solver="heun", **asked)
    return out


@pytest.fixture(scope="module")
def page(store: Path) -> str:
    made = api.report(store, form="html").content
    assert isinstance(made, str)
    return made


def stored(store: Path, task: str) -> list[Stored]:
    return [cell for cell in read_stored([store]) if cell.record.task == task]


def gallery(page: str, place: int) -> Any:
    return [e for e in read(page).iter("article") if e.get("data-gallery") is not None][place]


def pixels(src: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(src.partition(",")[2]))).convert("RGB"))


def test_masks_are_shown_as_they_were_predicted(store: Path, page: str) -> None:
    palette = np.array(datasets.card("digit-scenes").palette, dtype=np.uint8)
    rows = list(next(gallery(page, 0).iter("tbody")).iter("tr"))
    assert len(rows) == SAMPLES
    first = [c for c in stored(store, "ss") if c.record.seed == 0]
    cells = {(c.record.method, c.record.steps): dict(c.evidence.masks()) for c in first}
    seen = set()
    for row in rows:
        for image in row.iter("img"):
            own, _, what = (image.get("alt") or "").partition(": ")
            name = what.partition(",")[0]
            method, _, steps = name.partition("@")
            if key := next((k for k in cells if k == (method, int(steps) if steps else None)), None):
                assert (pixels(image.get("src") or "") == palette[cells[key][own]]).all()
                seen.add((own, key))
    assert len(seen) == SAMPLES * 3


def test_samples_stand_in_the_order_in_which_they_were_chosen(page: str) -> None:
    rows = list(next(gallery(page, 0).iter("tbody")).iter("tr"))
    shown = [(next(row.iter("img")).get("alt") or "").partition(":")[0] for row in rows]
    assert shown == sorted(shown, key=lot)
    assert set(shown) <= set(datasets.manifest("digit-scenes", "test").ids[:60])


def test_the_number_under_an_output_is_the_metric_of_that_sample_alone(store: Path, page: str) -> None:
    which = {("unet", None, 0): ": unet", ("symmflow", 1, 0): ": symmflow@1"}  # of two seeds the first, which is shown
    cells = {(c.record.method, c.record.steps, c.record.seed): c for c in stored(store, "ss")}
    for key, name in which.items():
        check_numbers(page, dict(cells[key].evidence.masks()), name)


def check_numbers(page: str, masks: dict[str, np.ndarray], name: str) -> None:
    scenes = datasets.load("digit-scenes", "test")
    at = {own: place for place, own in enumerate(scenes.ids)}
    for row in next(gallery(page, 0).iter("tbody")).iter("tr"):
        image = next(i for i in row.iter("img") if name in (i.get("alt") or ""))
        own, said = (image.get("alt") or "").partition(":")[0], float((image.get("alt") or "").rpartition(" ")[2])
        truth, made = scenes.batch(np.array([at[own]])).labels[0], masks[own]
        ious = [((truth == k) & (made == k)).sum() / ((truth == k) | (made == k)).sum() for k in np.unique(truth)]
        assert said == pytest.approx(100 * np.mean(ious), abs=0.051)


def test_what_a_sample_carries_is_what_the_difference_loses_without_it(store: Path, page: str) -> None:
    numbers = json.loads("".join(next(gallery(page, 0).iter("script")).itertext()))
    cells = {(c.record.method, c.record.steps): c for c in stored(store, "ss")}
    ours, theirs = cells["unet", None], cells["symmflow", 3]
    at = f"symmflow@{theirs.record.steps}"
    a, b = (metrics.sample_of("miou", cell) for cell in (ours, theirs))
    assert not isinstance(a, Missing) and not isinstance(b, Missing)
    shown = sorted({one.id for one in ours.evidence.images()}, key=lot)
    assert len(shown) == SAMPLES
    for place, own in enumerate(shown):
        others = np.array([[float(i != own) for i in a.ids]])
        lost = (a.value - b.value) - float((a.at(others) - b.at(others))[0])
        assert numbers["unet"]["moves"][place] - numbers[at]["moves"][place] == pytest.approx(lost, abs=1e-9)


def test_the_whole_is_known_of_no_sample_alone_where_it_is_a_distance_of_sets(store: Path) -> None:
    table = next(t for t in tables(stored(store, "sis")) if t.task == "sis")
    assert isinstance(influence("fid[digits-cnn]", table.rows[0], ["test-00001"]), Missing)


def test_ways_lead_both_ways(page: str) -> None:
    section = next(e for e in read(page).iter("section") if e.get("id") == "trajectories")
    headings = ["".join(e.itertext()) for e in section.iter("h3")]
    assert [h.partition(": ")[2] for h in headings] == ["from image to label", "from label to image"]
    times = [["".join(li.itertext()).strip() for li in ol.iter("li")] for ol in section.iter("ol")]
    assert ["image", "t = 1.00", "t = 0.67", "t = 0.33", "t = 0.00"] in times  # symmflow, three steps
    assert ["label", "t = 1.00", "t = 0.50", "t = 0.00"] in times  # semflow, from the mask at t = 1


def test_studies_change_one_thing(store: Path, page: str) -> None:
    section = next(e for e in read(page).iter("section") if e.get("id") == "studies")
    sheets = {"".join(next(a.iter("h3")).itertext()).partition(":")[0]: a for a in section.iter("article")}
    assert set(sheets) == {"Perturbation before synthesis", "Solver"}
    found = [
        ["".join(c.itertext()).strip() for c in row]
        for row in next(sheets["Perturbation before synthesis"].iter("tbody"))
    ]
    assert [row[:3] for row in found] == [["0", "2", "2"], ["as trained", "2", "2"]]
    figures = {
        c.record.options["beta"]: c.record.metrics["alignment_miou"].value
        for c in stored(store, "sis")
        if c.record.steps == 2
    }
    for row, beta in zip(found, (0, None), strict=True):
        assert any(cell.startswith(f"{figures[beta] * 100:.1f} [") for cell in row)
    solvers = {"".join(next(iter(row)).itertext()) for row in next(sheets["Solver"].iter("tbody"))}
    assert solvers == {"euler", "heun"}


def test_real_images_that_may_not_be_passed_on_are_left_out_or_drawn(store: Path, tmp_path: Path) -> None:
    table = next(t for t in tables(stored(store, "ss")) if t.task == "ss")
    album = Album(table, first=3)
    whole = {own: album.real(own) for own in album.ids}
    assert all(whole.values()) and not album.drawn
    hidden = Album(table, first=3)
    for row in hidden.rows:  # as a licence would have had it
        hidden._known[id(row)] = {o: [k for k in all_ if k.what != "real"] for o, all_ in hidden.of(row).items()}
    assert not any(hidden.real(own) for own in hidden.ids)
    drawn = Album(table, tmp_path, first=3, _known=hidden._known)
    assert drawn.drawn
    assert not Album(table, tmp_path, content="of another copy", first=3, _known=hidden._known).drawn
    for own in drawn.ids:
        one, other = drawn.real(own), whole[own]
        assert one and other and np.abs(pixels(one.src).astype(int) - pixels(other.src)).max() < 24


def test_damaged_pictures_cost_no_page(store: Path, tmp_path: Path) -> None:
    import pandas as pd

    shutil.copytree(store, tmp_path / "r")
    file = next((tmp_path / "r").glob("digit-scenes/ss/unet*/evidence-*/images-00000.parquet"))
    table = pd.read_parquet(file)
    table["webp"] = [b"RIFF" + b"x" * 20] * len(table)
    table.to_parquet(file)
    made = str(api.report(tmp_path / "r", form="html").content)
    assert "No pictures of unet can be shown" in made and "symmflow@3" in made
    with pytest.raises(InputError, match="is not a folder"):
        api.report(tmp_path / "r", form="html", data_root=tmp_path / "nowhere")


def test_a_page_without_pictures_says_so(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "r")
    for file in (tmp_path / "r").rglob("images-*.parquet"):
        file.unlink()
    made = str(api.report(tmp_path / "r", form="html").content)
    assert "These records keep no pictures of their samples" in made


def test_a_page_holds_no_more_than_it_should(page: str) -> None:
    pictures = sum(len(i.get("src") or "") for i in read(page).iter("img"))
    assert 10_000 < pictures < CHARACTERS


playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (the extra dev)")


@pytest.fixture(scope="module")
def opened(chromium: str, page: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(page)
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        view = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}).new_page()
        view.goto(file.as_uri())
        yield view
        browser.close()


SHOWN = "s => [...document.querySelectorAll(`${s} img`)].filter(i => i.offsetParent).map(i => i.alt)"


def test_a_slider_shows_one_step_count_of_every_method(opened: Any) -> None:
    sheet = "[data-gallery]:nth-of-type(1)"
    shown = opened.evaluate(SHOWN, sheet)
    assert any("symmflow@3" in alt for alt in shown) and not any("symmflow@1" in alt for alt in shown)
    opened.locator(f"{sheet} input[type=range]").first.fill("0")
    shown = opened.evaluate(SHOWN, sheet)
    assert any("symmflow@1" in alt for alt in shown) and not any("symmflow@3" in alt for alt in shown)
    assert any(": unet" in alt for alt in shown)  # which has no steps
    assert opened.evaluate("[...document.images].filter(i => i.src).every(i => i.complete && i.naturalWidth > 0)")


def test_samples_are_ordered_by_the_difference_of_two_rows(opened: Any) -> None:
    sheet = opened.locator("[data-gallery]").first
    numbers = json.loads(sheet.locator("script").text_content())
    sheet.locator("[data-ours]").select_option("unet")
    sheet.locator("[data-theirs]").select_option("symmflow@3")
    for by, key in (("alone", lambda x: -x), ("moves", lambda x: -abs(x))):
        sheet.locator("[data-order]").select_option(by)
        places = [int(p) for p in sheet.locator("tbody tr").evaluate_all("rows => rows.map(r => r.dataset.place)")]
        apart = [numbers["unet"][by][p] - numbers["symmflow@3"][by][p] for p in places]
        assert [key(x) for x in apart] == sorted(map(key, apart))
        assert places != sorted(places)


def test_a_picture_opens_large_and_closes(opened: Any) -> None:
    tile = opened.locator("[data-gallery] .tile:visible").first
    tile.focus()
    opened.keyboard.press("Enter")
    large = opened.locator("dialog#large")
    assert large.is_visible()
    assert large.locator("img").get_attribute("src") == tile.locator("img").get_attribute("src")
    assert large.locator("p").text_content() == tile.locator("img").get_attribute("alt")
    opened.keyboard.press("Escape")
    assert not large.is_visible()


def test_a_hidden_method_leaves_the_galleries_too(opened: Any) -> None:
    opened.locator("[data-toggle=symmflow]").click()
    shown = opened.evaluate(SHOWN, "main")
    assert not any("symmflow" in alt for alt in shown) and any(": unet" in alt for alt in shown)


def test_pictures_fit_a_phone_print_and_have_no_serious_fault(opened: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed (the extra dev)")
    opened.reload()
    for width in (390, 1280):
        opened.set_viewport_size({"width": width, "height": 900})
        opened.wait_for_function("() => document.documentElement.scrollWidth <= innerWidth")  # once redrawn
    found = axe.Axe().run(opened).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert not serious, [(v["id"], [node["html"][:200] for node in v["nodes"][:3]]) for v in serious]
    assert len(opened.pdf()) > 50_000


def changed(cells: list[Stored], **facts: Any) -> list[Stored]:
    return [replace(cell, record=cell.record.model_copy(update=facts)) for cell in cells]


def test_what_is_not_compared_is_no_figure_of_an_output(store: Path) -> None:
    """What a judge says of the real images is the same under every output."""
    found = Figure(value=0.9, better="higher")
    (table,) = tables(changed(stored(store, "sis"), metrics={"alignment_miou_real": found}))
    assert _judged(Album(table, first=3)) == ("", {})
    (table,) = tables(stored(store, "sis"))
    assert _judged(Album(table, first=3))[0] == "alignment_miou"


def test_one_row_that_lacks_a_figure_decides_for_no_other(store: Path) -> None:
    cells = stored(store, "ss")
    bare = changed([cell for cell in cells if cell.record.method == "unet"], metrics={})
    (table,) = tables([*bare, *(cell for cell in cells if cell.record.method != "unet")])
    name, found = _judged(Album(table, first=3))
    assert name == "miou" and found.keys() == {"symmflow@1", "symmflow@3"}


def test_the_same_noise_is_said_of_the_seed_that_all_rows_have(store: Path) -> None:
    cells = [cell for cell in stored(store, "ss") if cell.record.method == "symmflow"]
    (table,) = tables(cells)
    assert _noise(Album(table)) == "Rows that draw noise begin with the same, that of generation seed 0."
    (table,) = tables([cell for cell in cells if cell.record.steps == 3 or cell.record.seed == 1])
    album = Album(table)
    assert album.seed is None and _noise(album) == "Rows begin with different noise: each is of its own first seed."
    (table,) = tables(changed(cells, options={"unpaired": True}))
    assert not Album(table).rows  # of no certain labels


def test_trajectories_shrink_until_they_fit(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = stored(store, "sis")
    page = Page(cells, tables(cells), {}, folders=[store])
    whole = trajectories.section(page)
    monkeypatch.setattr(trajectories, "CHARACTERS", 1)
    small = trajectories.section(page)
    assert whole and small
    ways, fewer = whole.data["sheets"][0]["ways"], small.data["sheets"][0]["ways"]
    assert {way["id"] for way in fewer} < {way["id"] for way in ways}


def test_a_study_changes_one_thing() -> None:
    """Two solvers of fixed steps share a count; one that takes its own stands beside every count."""
    study = Study("solver", "solver", lambda row: row.solver, lambda row: 0, by_steps=False)  # type: ignore[attr-defined]
    euler1, euler5, heun5, own = (
        SimpleNamespace(solver=solver, steps=steps)
        for solver, steps in (("euler", 1), ("euler", 5), ("heun", 5), ("dopri5", None))
    )
    for rows, told in (
        ([euler1, heun5], []),
        ([euler1, euler5, heun5], [[euler5, heun5]]),
        ([euler1, euler5, own], [[euler1, euler5, own]]),
    ):
        assert _groups(study, rows) == told  # type: ignore[arg-type]
