"""Pages of charts without the code of Vega, which takes seconds to put together; or with it."""

from __future__ import annotations

import pytest

from psyche_rl.charts import chart_page

REAL = chart_page.library
VEGA = "/* Vega, Vega-Lite, vega-embed */"


def without_chart_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on pages carry ``VEGA`` in place of a megabyte of code."""
    monkeypatch.setattr(chart_page, "library", lambda: VEGA)


def with_chart_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code itself, whatever other tests have put in its place."""
    monkeypatch.setattr(chart_page, "library", REAL)
