"""The page of the leaderboard: as text, and (slow) in a browser, narrow and wide, light and dark.

The pictures in the docs:

    PSYCHE_RL_SCREENSHOTS=docs/images pytest -m slow tests/psyche_rl/leaderboard/test_board_page.py
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup
from headless import CONTRAST, headless_browser, shoot
from item_rows import HOSTILE, MODELS, board_rows, own_essays

from psyche_rl.evaluation.cluster_draws import BootstrapSettings
from psyche_rl.leaderboard import build, published_cells
from psyche_rl.leaderboard.board_page import board_page

LEAKED = {("policy 心理 7B", "pceb"): frozenset({"theory-single-1"}), ("warm_v2", "pceb"): frozenset[str]()}


def page_of(items: int = 100) -> str:
    rows = board_rows(12)
    board = build(rows, published_cells(), LEAKED, BootstrapSettings(draws=50), [own_essays()])
    return board_page(board, rows, LEAKED, items=items)


def pack(page: BeautifulSoup, place: str) -> dict:
    return json.loads(gzip.decompress(base64.b64decode(page.select_one(f"#pack-{place}").text)))


def test_the_page_stands_alone_and_every_figure_leads_to_its_items():
    text = page_of()
    page = BeautifulSoup(text, "html.parser")
    assert page.select("img, link, iframe, [src], [onerror]") == []
    assert page.select_one("meta[http-equiv]")["content"].startswith("default-src 'none'")
    assert HOSTILE not in text
    assert {th.find(string=True).strip() for th in page.select("tbody th")} >= set(MODELS)
    links = page.select("a[data-pack]")
    assert len({link["href"] for link in links}) == len(links)
    scored = ("mcq_strict", "mcq_elastic", "keypoint_recall")
    own = [link for link in links if link["data-metric"] in scored]
    for link in own[:: len(own) // 7]:
        items = [
            item
            for item in pack(page, link["data-pack"])["items"]
            if link["data-group"] in ("", item["group"]) and link["data-metric"] in item["scores"]
        ]
        scores = [item["scores"][link["data-metric"]] for item in items]
        assert f"{100 * sum(scores) / len(scores):.1f}" == link.text
        assert f"n {len(items)}" in link.parent.text


def test_items_that_are_left_out_are_counted():
    page = BeautifulSoup(page_of(items=5), "html.parser")
    found = pack(page, page.select("a[data-benchmark=pceb]")[0]["data-pack"])
    assert (len(found["items"]), found["left_out"]) == (5, 67)


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with headless_browser() as browser:
        yield browser


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 420])
def test_the_page_in_a_browser(browser, tmp_path, width, scheme):
    (tmp_path / "page.html").write_text(page_of(), "utf-8")
    errors: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text))
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_selector("body[data-ready]")
    shoot(page, f"leaderboard_{width}_{scheme}", tmp_path)
    assert page.evaluate("document.documentElement.scrollWidth") == width

    def names() -> list[str]:
        return [found.split("\n")[0] for found in page.locator("#board-1 tbody th").all_inner_texts()]

    before = names()
    if width > 640:
        page.locator("#board-1 thead button").nth(1).click()  # from best first to worst first
    else:
        page.locator("select[data-table='1']").select_option("0")
    assert names() == (before[::-1] if width > 640 else sorted(before, key=str.lower))

    link = page.locator("a[data-model='policy 心理 7B'][data-group='theory_single']").first
    link.click()
    page.wait_for_selector("#items article")
    assert page.locator("#count").inner_text() == "12 replies"
    assert "window.attacked" in page.locator("#items article").first.inner_text()
    page.locator("#which").select_option("leaked")
    page.wait_for_function("document.querySelectorAll('#items article').length === 1")
    assert page.evaluate("window.attacked") is None
    assert page.evaluate(CONTRAST) == []
    shoot(page, f"leaderboard_items_{width}_{scheme}", tmp_path)
    kept = page.url
    page.close()
    again = browser.new_page(viewport={"width": width, "height": 1000})
    again.goto(kept)  # the address of a figure's items can be kept
    again.wait_for_selector("#items article")
    again.close()
    assert errors == []
