"""The made-up run, its page, and pages without a megabyte of code."""

import shutil

import pytest
from charts_without_code import without_chart_code
from made_up_run import make_run

from psyche_rl.report import collect, render_page
from psyche_rl.store import RunStore


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory) -> RunStore:
    """Made once; not to be written to."""
    return make_run(tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def run_store(finished_run, tmp_path) -> RunStore:
    """A copy that a test may change."""
    return RunStore(str(shutil.copytree(finished_run.path(""), tmp_path / "run")))


@pytest.fixture(autouse=True)
def no_chart_code(monkeypatch):
    """For each test anew: a patch that lives as long as the process is one for other folders' tests too."""
    without_chart_code(monkeypatch)


@pytest.fixture(scope="session")
def page(finished_run) -> str:
    with pytest.MonkeyPatch.context() as patch:
        without_chart_code(patch)
        return render_page(collect(finished_run))
