"""Pages of charts without the code of Vega, which takes seconds to put together; not for a browser."""

from __future__ import annotations

import pytest

from psyche_rl.charts import chart_page

VEGA = "/* Vega, Vega-Lite, vega-embed */"


def without_chart_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on pages carry ``VEGA`` in place of a megabyte of code."""
    monkeypatch.setattr(chart_page, "library", lambda: VEGA)
