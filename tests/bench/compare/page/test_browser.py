"""The page in a browser without a network: what a reader does, sees and prints. Skipped where there is no Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (the extra dev)")
HIDDEN = "fast=1+1"
TRACES = """() => [...document.querySelectorAll('.plot')].map(plot => plot.data
  .filter(trace => trace.meta && trace.meta.method).map(trace => [trace.meta.method, trace.visible]))"""
OVERFLOW = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
EMPTY = "() => [...document.querySelectorAll('.plot')].filter(plot => !plot.querySelector('.scatterlayer path')).length"


@pytest.fixture(scope="module")
def file(page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("page") / "report.html"
    written.write_text(page)
    return written


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


class Opened:
    """A page from disk, offline, with everything that it complained of and asked for."""

    def __init__(self, browser: Any, file: Path, width: int = 1280, scheme: str = "light", init: str = "") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.page.on("console", lambda m: self.said.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.on(
            "request", lambda r: None if r.url.startswith((file.as_uri(), "data:")) else self.said.append(r.url)
        )
        if init:
            self.page.add_init_script(init)
        self.page.goto(file.as_uri())

    def order(self, board: str, column: int) -> list[str]:
        found: list[str] = self.page.evaluate(
            f"[...document.querySelectorAll('#{board} tbody tr')].map(row => row.children[{column}].dataset.sort)"
        )
        return found


def test_a_reader_sorts_filters_hides_and_switches(browser: Any, file: Path) -> None:
    opened = Opened(browser, file)
    page = opened.page
    head = page.locator("#table-1-rows thead th").nth(2)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    values = [float(v) for v in opened.order("table-1-rows", 2)]
    assert values == sorted(values, reverse=True) and len(set(values)) > 3
    steps = page.locator("#table-1-rows thead th").nth(1)
    steps.locator("button").focus()
    page.keyboard.press("Enter")
    assert (steps.get_attribute("aria-sort"), head.get_attribute("aria-sort")) == ("ascending", "none")
    assert opened.order("table-1-rows", 1) == ["1", "1", "5", "5", ""]  # without steps: at the end
    page.locator("input[data-filter='table-1-rows']").fill("slow")
    assert page.locator("#table-1-rows tbody tr:visible").count() == 2
    assert page.locator("#table-1 output").inner_text() == "2 of 5 rows"
    page.locator("input[data-filter='table-1-rows']").fill("")

    before = page.evaluate(TRACES)
    assert len(before) == 5 and all(any(visible for _, visible in chart) for chart in before)
    chip = page.get_by_role("button", name=HIDDEN)
    chip.click()
    assert chip.get_attribute("aria-pressed") == "false"
    hidden = page.evaluate(TRACES)
    wanted = [[[method, visible and method != HIDDEN] for method, visible in chart] for chart in before]
    assert hidden == wanted and all(chart != was for chart, was in zip(hidden, before, strict=True))
    assert page.locator(f"tr[data-method='{HIDDEN}']:visible").count() == 0
    chip.click()
    assert page.evaluate(TRACES) == before

    page.get_by_label("network evaluations an image").first.check()
    shown = page.evaluate("document.querySelector('#curve-1 .plot').layout.xaxis.title.text")
    assert shown == "network evaluations an image"
    assert page.evaluate("document.querySelector('#front-1 .plot').layout.xaxis.title.text") == shown
    page.locator("select[data-panels='confusion-table-1']").select_option(label="plain")
    assert page.locator("[data-panel='confusion-table-1']:visible caption").inner_text() == "plain"
    assert opened.said == []


def test_dark_is_chosen_by_the_system_or_the_button(browser: Any, file: Path) -> None:
    forbidden = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden') }})"
    opened = Opened(browser, file, init=forbidden)
    ground = "getComputedStyle(document.body).backgroundColor"
    ink = "document.querySelector('.plot').layout.font.color"
    light = opened.page.evaluate(f"[{ground}, {ink}]")
    button = opened.page.get_by_role("button", name="Dark")
    button.click()
    dark = opened.page.evaluate(f"[{ground}, {ink}]")
    assert button.get_attribute("aria-pressed") == "true" and dark[0] != light[0] and dark[1] != light[1]
    assert Opened(browser, file, scheme="dark").page.evaluate(f"[{ground}, {ink}]") == dark
    assert opened.said == []


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_overflows_and_no_chart_is_empty(browser: Any, file: Path, width: int) -> None:
    opened = Opened(browser, file, width)
    scrolled, client = opened.page.evaluate(OVERFLOW)
    assert scrolled <= client == width
    assert opened.page.evaluate(EMPTY) == 0 and opened.page.locator(".plot .main-svg").count() >= 5
    assert opened.page.evaluate("[...document.querySelectorAll('.plot')].every(p => p.offsetWidth >= 250)")
    assert opened.said == []


def test_it_prints_with_its_folds_open(browser: Any, file: Path) -> None:
    opened = Opened(browser, file, scheme="dark")
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened.page.locator("details:not([open])").count() == 0
    opened.page.emulate_media(media="print")
    assert opened.page.locator("button.chip:visible, #theme:visible, .screen:visible").count() == 0
    assert opened.page.evaluate("getComputedStyle(document.body).color") == "rgb(29, 33, 37)"
    assert opened.page.pdf(format="A4").startswith(b"%PDF-")
    opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.page.locator("details[open]").count() == 0 and opened.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, file: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed (the extra dev)")
    opened = Opened(browser, file, scheme=scheme)
    opened.page.evaluate("document.querySelectorAll('details').forEach(fold => (fold.open = true))")
    found = axe.Axe().run(opened.page).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert not serious, [(v["id"], [node["html"][:200] for node in v["nodes"][:3]]) for v in serious]
