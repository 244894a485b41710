"""What stands in data cannot steer the terminal that a command prints to. Ruff bans other ways to print."""

import json
from collections import Counter
from types import SimpleNamespace

import pytest
import typer
from planted_text import PLANTED, steers
from typer.testing import CliRunner

from actors.rollout.board import FleetPicture
from launch.checks.findings import Finding, print_findings
from launch.cli import app as command_line
from launch.cli.decontaminate import _print as print_decontaminated
from launch.cli.errors import Commands
from launch.cli.fleet import _print as print_fleet
from launch.cli.rewards.score_tables import print_tables
from launch.cli.row_report import _print_summary
from psyche_rl.errors import PsycheError
from psyche_rl.llm import CallCache, CallFailure, ChatRequest
from psyche_rl.llm.call_cache import CACHE_FILE, CallNote
from psyche_rl.store import Manifest, RunStore, StageEntry


@pytest.fixture
def run_dir(tmp_path):
    """A run folder that quotes planted text wherever it can."""
    store = RunStore(str(tmp_path / "run\x1b[2J"))
    failed = StageEntry(status="failed", started="t", error=PLANTED, counts={"\u202egnp": 1})
    Manifest(created=PLANTED, stages={"synth": failed, "grpo": failed}).save(store)
    store.append_text(
        "events.jsonl", json.dumps({"time": "2026-11-28T00:00:00+00:00", "message": PLANTED}) + "\n"
    )
    cache = CallCache(store.local_path(CACHE_FILE), clock=lambda: 0.0)
    asked = ChatRequest("m", (("user", PLANTED),), 0.0, 16)
    cache.fail(asked, CallFailure("timeout", PLANTED), CallNote(f"synth{PLANTED}", PLANTED, PLANTED))
    cache.close()
    return store.url


@pytest.mark.parametrize(
    "words",
    [
        "status RUN",
        "status RUN --json",
        "watch RUN --once",
        "calls RUN",
        "calls RUN --json",
        "calls RUN --show 1",
    ],
)
def test_commands_that_show_a_run(run_dir, words):
    named = [run_dir if word == "RUN" else word for word in words.split()]
    told = CliRunner().invoke(command_line.app, named)
    assert told.exit_code == 0, told.output
    assert "gnp" in told.output
    assert not steers(told.output)
    if "--json" in words:
        assert PLANTED in _leaves(json.loads(told.stdout))


@pytest.mark.parametrize(
    "words",
    [
        "ledger RUN",
        "publish RUN --out OUT",
        "rollouts RUN --out OUT",
        "bench leaderboard RUN",
        "check CONFIG",
        "run CONFIG",
    ],
)
def test_commands_that_refuse_what_they_are_given(run_dir, tmp_path, words):
    config = tmp_path / "planted.yaml"
    config.write_text(json.dumps({"seed": PLANTED, PLANTED: 1, "run_dir": run_dir}), "utf-8")
    places = {"RUN": run_dir, "CONFIG": str(config), "OUT": str(tmp_path / "out")}
    told = CliRunner().invoke(command_line.app, [places.get(word, word) for word in words.split()])
    assert told.exit_code in (1, 2)
    assert "Traceback" not in told.output
    assert "\\u001b" in told.output
    assert not steers(told.output)


def _leaves(tree):
    if isinstance(tree, dict | list):
        parts = tree.values() if isinstance(tree, dict) else tree
        return [leaf for part in parts for leaf in _leaves(part)]
    return [tree]


FIGURES = {"n": 1, "mean": 0.0, "min": 0.0, "max": 0.0}
SCORED = {
    "reward": PLANTED, "fingerprint": PLANTED, "rows": 1, "value": FIGURES, "parts": {PLANTED: FIGURES},
    "errors": {PLANTED: {"count": 1, "row": 1, "message": PLANTED}},
    "suspicious": [{"row": 1, "id": PLANTED, "value": 1.0, "signs": [PLANTED], "response": PLANTED}],
}  # fmt: skip
DECONTAMINATED = SimpleNamespace(
    matches=(),
    report={
        "sets": {PLANTED: {"items": 1, "matches": {PLANTED: 1}}},
        "removed": {"record": 1},
        "compared": {"record": 1},
    },
)


@pytest.mark.parametrize(
    "show",
    [
        lambda: print_findings([Finding(PLANTED, "fail", PLANTED, PLANTED)]),
        lambda: _print_summary(PLANTED, Counter({(PLANTED, PLANTED): 1})),
        lambda: print_tables(SCORED),
        lambda: print_decontaminated(DECONTAMINATED, PLANTED),
        lambda: print_fleet(FleetPicture(1, 1, PLANTED, 0)),
    ],
)  # fmt: skip
def test_tables(show, capsys):
    show()
    told = capsys.readouterr()
    assert "gnp" in told.out + told.err
    assert not steers(told.out + told.err)


def test_an_error_and_a_defect(monkeypatch, capsys):
    raised = [PsycheError(PLANTED), RuntimeError(PLANTED)]
    app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)
    app.command("a")(lambda: None)

    @app.command("fail")
    def fail() -> None:
        raise raised.pop(0)

    assert not steers(CliRunner().invoke(app, ["fail"]).output)
    monkeypatch.setattr(command_line, "app", lambda: app(["fail"]))
    with pytest.raises(SystemExit) as end:
        command_line.main()
    told = capsys.readouterr().err
    assert (end.value.code, "RuntimeError: \\u001b[31mred" in told, steers(told)) == (1, True, [])
