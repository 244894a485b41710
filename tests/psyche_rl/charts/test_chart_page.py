"""Charts in a page: data that cannot break out, a policy that runs the page's own code, figures that work."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re

import pytest
from charts_without_code import VEGA, without_chart_code
from headless import headless_browser, until
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.charts import ChartPage, Curve, curve_chart
from psyche_rl.charts.bars import bar_chart
from psyche_rl.charts.chart_page import embedded_json

HOSTILE = "</script><script>window.broken=1</script><!--<script>\u2028\u2029&lt;\"'](){};window.broken=2//"
SCRIPT = re.compile(r"<script(?: [^>]*)?>(.*?)</script>", re.DOTALL)


def hostile_page(extra: str = "") -> str:
    """A page whose every text tries to become code."""
    charts = ChartPage(extra)
    bad = Curve(HOSTILE, HOSTILE, {"loss": HOSTILE, "dev": "dev"}, log="off", note=HOSTILE)
    runs = {name: [{"step": s, "loss": 1 / s, "dev": 2 / s} for s in range(1, 40)] for name in (HOSTILE, "b")}
    places = [
        charts.place(curve_chart(bad, runs)),
        charts.place(curve_chart(Curve("Plain", "nats", {"loss": "loss"}, log="on"), {"b": runs["b"]})),
        charts.place(bar_chart(HOSTILE, {HOSTILE: [1, 2]}, [HOSTILE, "q"], (HOSTILE, "n"), lying=True)),
    ]
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f'content="{html.escape(charts.policy())}"><style>{charts.css()}</style></head><body>'
        f"{charts.controls()}{''.join(places)}{charts.data()}</body></html>"
    )


@given(st.text() | st.sampled_from([HOSTILE, "</ScRiPt >", "<!--", "]]>", "\u2028"]))
def test_no_text_ends_the_element_that_its_data_stand_in(text):
    embedded = embedded_json([{text: text}])
    assert json.loads(embedded) == [{text: text}]
    assert not set(embedded) & set("<>&\u2028\u2029")


def test_the_policy_runs_the_code_of_the_page_and_nothing_else(monkeypatch):
    without_chart_code(monkeypatch)
    page = hostile_page("/* own */")
    policy = html.unescape(re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1])
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    data, *scripts = SCRIPT.findall(page)
    assert len(scripts) == 3
    assert scripts[0] == VEGA
    digests = [base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in scripts]
    assert rules["script-src"].split() == [f"'sha256-{digest}'" for digest in digests]
    assert json.loads(data)[0]["title"] == HOSTILE
    assert page.count("<figure") == 3


def test_a_page_without_charts_carries_no_code_for_them():
    empty = ChartPage()
    assert (empty.data(), empty.controls()) == ("", "")
    assert "script-src 'none'" in empty.policy()
    own = ChartPage("own()")
    assert SCRIPT.findall(own.data()) == ["own()"]
    assert own.policy().count("sha256-") == 1


SMOOTH = """value => { const s = document.getElementById("chart-smoothing"); s.value = value;
  s.dispatchEvent(new Event("input")); }"""
PIXELS = """n => { const c = document.querySelectorAll("figure canvas")[n];
  const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
  return data.reduce((a, b) => (a * 31 + b) % 1e9, 7); }"""


@pytest.mark.slow
def test_a_level_line_is_level_however_much_it_is_smoothed(tmp_path):
    charts = ChartPage()
    rows = [{"step": step, "level": 1.4, "wave": step % 7} for step in range(60)]
    places = [charts.place(curve_chart(Curve(n, "", {n: n}), {"run": rows})) for n in ("level", "wave")]
    page_text = f"<style>{charts.css()}</style>{charts.controls()}{''.join(places)}{charts.data()}"
    (tmp_path / "page.html").write_text(page_text, "utf-8")
    with headless_browser() as browser:
        page = browser.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        until(page, "() => document.querySelectorAll('figure[data-drawn]').length === 2")
        before = [page.evaluate(PIXELS, figure) for figure in (0, 1)]
        page.evaluate(SMOOTH, "0.9")
        until(page, f"was => ({PIXELS})(1) !== was", before[1])
        assert page.evaluate(PIXELS, 0) == before[0]


@pytest.mark.slow
@pytest.mark.parametrize("width", [1400, 420])
def test_figures_are_drawn_offline_under_the_policy_and_answer(tmp_path, width):
    (tmp_path / "page.html").write_text(hostile_page(), "utf-8")
    with headless_browser() as browser:
        page = browser.new_page(viewport={"width": width, "height": 900})
        said, asked = [], []
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "page.html").as_uri())
        until(page, "() => document.querySelectorAll('figure[data-drawn]').length === 3")
        assert page.evaluate("window.broken") is None
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        before = page.evaluate(PIXELS, 1)
        page.evaluate(SMOOTH, "0.9")
        until(page, f"was => ({PIXELS})(1) !== was", before)
        page.evaluate(SMOOTH, "0.6")
        until(page, f"was => ({PIXELS})(1) === was", before)
        page.locator(".chart-log input").nth(1).uncheck()
        until(page, f"was => ({PIXELS})(1) !== was", before)
        box = page.locator("figure canvas").nth(1).bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_selector("#vg-tooltip-element.visible")
        told = page.locator("#vg-tooltip-element").inner_text()
        assert {"metric", "step", "value"} <= set(told.split())
        scrolled = page.evaluate("scrollY")
        page.keyboard.down("Control")
        now = page.evaluate(PIXELS, 1)
        page.mouse.wheel(0, -300)
        until(page, f"was => ({PIXELS})(1) !== was", now)
        page.keyboard.up("Control")
        assert page.evaluate("scrollY") == scrolled
        assert said == []
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
