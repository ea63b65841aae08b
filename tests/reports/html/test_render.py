"""A page is one file: what it loads lies inside, nothing else runs, and text stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from pathlib import Path

import pytest
from pages import read, said

from symmbench.reports.curves import Curve, Panel, Point
from symmbench.reports.html import Head, Section, charts, render
from symmbench.reports.html.render import HERE, hues

PLOTLY = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"
"""SHA-256 of plotly-basic.min.js of plotly.js-basic-dist-min 4.1.1."""
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a & b \"c\" 'd'",
    "{{ 7 * 7 }}",
    "%{y}",
)


def page(name: str) -> str:
    row = {"cell": name, "method": name, "reason": name, "traceback": f"{name}\nsecond \x1b[31m line"}
    return render(Head(name, [name], hues([name])), [Section("failures", name, "failures.html", {"rows": [row]}, name)])


def test_the_library_is_the_published_one_with_its_licence() -> None:
    assert hashlib.sha256((HERE / "plotly-basic.min.js").read_bytes()).hexdigest() == PLOTLY
    assert "MIT License" in (HERE / "plotly-basic.LICENSE").read_text()
    assert files("symmbench.reports.html").joinpath("wiring.js").is_file()


def test_our_own_script_is_wiring_alone() -> None:
    assert len((HERE / "wiring.js").read_text().splitlines()) <= 200


def test_no_script_can_end_early() -> None:
    for script in HERE.glob("*.js"):
        assert not re.search("</script|<!--", script.read_text(), re.I) and "\r" not in script.read_text()


def test_the_policy_lets_these_scripts_run_and_nothing_be_fetched() -> None:
    root = read(page("x"))
    policy = next(e.get("content", "") for e in root.iter("meta") if e.get("http-equiv"))
    assert policy.startswith("default-src 'none'; ") and "connect-src" not in policy and "http" not in policy
    scripts = ["".join(e.itertext()) for e in root.iter("script")]
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    assert re.findall("'sha256-(.+?)'", policy) == hashes and "unsafe-inline" not in policy.partition("style-src")[0]


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_name_holds_is_text(text: str) -> None:
    root, plain = read(page(text)), read(page("x"))
    assert [e.tag for e in root.iter()] == [e.tag for e in plain.iter()]
    assert [sorted(e.attrib) for e in root.iter()] == [sorted(e.attrib) for e in plain.iter()]
    assert said(next(root.iter("h1"))) == text and next(root.iter("tr")).tag == "tr"
    assert [e.get("data-method") for e in root.iter("tr")][1] == text


def test_control_characters_are_shown_and_lines_stay() -> None:
    (pre,) = read(page("x")).iter("pre")
    assert "".join(pre.itertext()) == "x\nsecond \\u001b[31m line"


def test_a_template_that_lacks_something_is_refused() -> None:
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        render(Head("t", [], []), [Section("failures", "t", "failures.html", {})])


@pytest.mark.parametrize(
    ("text", "shown"), [("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"), ("a&lt;b", "a&amp;lt;b"), ("\x1b", "\\u001b")]
)
def test_a_chart_shows_text_as_it_is(text: str, shown: str) -> None:
    assert charts.label(text) == shown
    panel = Panel("t", text, [Curve(text, [Point(1, 0.5), Point(5, 0.6)])])
    made = charts.curves("c", panel, {text: charts.Owner("m", 0)})
    assert made.traces[0]["name"] == shown and made.layout["yaxis"]["title"]["text"] == shown


def test_ticks_are_one_two_and_five_or_powers_alone() -> None:
    points = [Point(None, 0, nfe=nfe) for nfe in (1, 25)]
    panel = Panel("t", "y", [Curve(str(place), [point]) for place, point in enumerate(points)])
    owners = {str(place): charts.Owner("m", 0) for place in range(2)}
    axis = charts.curves("c", panel, owners).layout["meta"]["x"]["nfe"]
    assert axis["ticktext"] == ["1", "2", "5", "10", "20", "50", "100", "200"]
    far = Panel("t", "y", [Curve(str(i), [Point(None, 0, nfe=nfe)]) for i, nfe in enumerate((0.002, 30))])
    assert charts.curves("c", far, owners).layout["meta"]["x"]["nfe"]["ticktext"] == [
        "0.001",
        "0.01",
        "0.1",
        "1",
        "10",
        "100",
    ]


def test_methods_keep_their_colour_and_many_begin_anew() -> None:
    found = hues([f"m{i}" for i in range(18)])
    assert [one.hue for one in found] == [*range(16), 0, 1]
    style = Path(HERE / "style.css").read_text()
    assert all(f"--hue-{one.hue % 8}:" in style and f".hue-{one.hue} " in style for one in found)
