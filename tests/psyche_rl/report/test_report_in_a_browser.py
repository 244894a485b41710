"""The report in a browser, narrow and wide, light and dark.

The pictures in the docs:

    PSYCHE_RL_SCREENSHOTS=docs/images pytest -m slow tests/psyche_rl/report
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from charts_without_code import with_chart_code
from figures_looked_at import SIZES, can_be_read, opened
from headless import headless_browser, shoot
from made_up_run import evaluate_anew

from psyche_rl.report import collect, render_page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with headless_browser() as browser:
        yield browser


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_the_page_in_a_browser(browser, run_store, tmp_path, monkeypatch, width, scheme):
    with_chart_code(monkeypatch)
    evaluate_anew(run_store, {"base": 0, "sft": 15, "grpo": 34})
    file = tmp_path / "page.html"
    file.write_text(render_page(replace(collect(run_store), run_url="/home/me/runs/mini")), "utf-8")
    with opened(browser, file, width, scheme) as page:
        if scheme == "dark":
            page.evaluate("document.getElementById('grpo').scrollIntoView()")
        shoot(page, f"report_{width}_{scheme}", tmp_path)
        can_be_read(page, width)
