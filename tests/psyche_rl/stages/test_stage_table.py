"""docs/architecture.md holds the table of stages as the specs have it."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_page_holds_the_table_of_today():
    script = runpy.run_path(str(ROOT / "scripts/stage_table.py"))
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    assert script["with_table"](page) == page
    assert "`synth/rationales.parquet`" in page
