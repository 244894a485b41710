"""The page of a comparison in a browser, narrow and wide, light and dark.

The pictures in the docs:

    PSYCHE_RL_SCREENSHOTS=docs/images pytest -m slow tests/psyche_rl/run_comparison
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from figures_looked_at import SIZES, can_be_read, opened
from headless import headless_browser, shoot
from made_up_run import evaluate_anew, make_run

from psyche_rl.run_comparison import compare_runs
from psyche_rl.run_comparison.comparison_page import render_comparison

pytestmark = pytest.mark.slow
WHOLE = {"sft_lr": 0.003, "grpo_lr": 0.0004, "lora_rank": None, "lora_target_modules": None}
LORA = {"sft_lr": 0.01, "grpo_lr": 0.002, "lora_rank": 16, "lora_target_modules": ["all-linear"]}
LONG = "a-run-whose-name-tells-its-model-its-data-its-seed-and-the-day-on-which-it-was-begun"


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with headless_browser() as browser:
        yield browser


def comparison(file: Path, names: tuple[str, str]) -> Path:
    stores = []
    right = {"base": 0, "sft": 15, "grpo": 34}, {"base": 0, "sft": 17, "grpo": 25}
    for name, learns, settings, answers in zip(names, (1.0, 0.5), (WHOLE, LORA), right, strict=True):
        store = make_run(file.parent / "runs" / name, learns, **settings)
        evaluate_anew(store, answers)
        stores.append(store.url)
    found = compare_runs(stores)
    runs = tuple(replace(run, url=f"/home/me/runs/{run.name}") for run in found.runs)
    file.write_text(render_comparison(replace(found, runs=runs)), "utf-8")
    return file


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_the_page_in_a_browser(browser, tmp_path, width, scheme):
    file = comparison(tmp_path / "page.html", ("whole", "lora"))
    with opened(browser, file, width, scheme) as page:
        if (width, scheme) == (420, "dark"):
            page.evaluate("document.getElementById('figures2').scrollIntoView()")
        shoot(page, f"compare_{width}_{scheme}", tmp_path)
        can_be_read(page, width)


def test_long_names_of_runs_push_nothing_aside(browser, tmp_path):
    file = comparison(tmp_path / "page.html", (f"{LONG}/1", f"{LONG}-again/1"))
    with opened(browser, file, 420, "light") as page:
        can_be_read(page, 420)
