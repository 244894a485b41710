"""``examples/python_tour.ipynb`` on the tiny run: its cells in order, within a loop as in Jupyter."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from command import REPOSITORY, TINY
from finished_run import begin_at

NOTEBOOK = REPOSITORY / "examples/python_tour.ipynb"


def cells() -> list[dict]:
    return json.loads(NOTEBOOK.read_text("utf-8"))["cells"]


def test_no_output_is_kept_that_would_go_stale():
    for cell in cells():
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_cells_run_and_show_what_the_run_holds(finished_run, tmp_path: Path, monkeypatch):
    folder = begin_at("report", finished_run, tmp_path / "run")
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("PSYCHE_RL_CONFIG", str(REPOSITORY / TINY))
    monkeypatch.setenv("PSYCHE_RL_RUN", str(folder))
    names: dict[str, object] = {}

    async def in_a_loop() -> None:
        for cell in cells():
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), str(NOTEBOOK), "exec"), names)

    asyncio.run(in_a_loop())
    assert {stage.status for stage in names["run"].stages.values()} == {"done"}
    assert (folder / "report/report.html").is_file()
    assert len(names["scores"]) == 48
    assert set(names["accuracies"]) == {"base", "sft", "grpo"}
    assert 0 < names["always_a"]["value"] < 1
