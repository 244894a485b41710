"""``psyche-rl ledger``: the balance of a folder or URL, and exit code 1 where it does not close."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from launch.cli.app import app
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.records import GenerationRequest
from psyche_rl.store import Manifest, RunStore, StageEntry


def run_of(store: RunStore) -> Ledger:
    """A step whose three groups were not needed, and books not closed yet."""
    ledger = Ledger(store, "grpo")
    ledger.begin(0)
    requests = [GenerationRequest(id=f"0/{i}", prompt_ids=(1,), n=2, max_tokens=8) for i in range(3)]
    ledger.issued(requests, 0)
    for r in requests:
        ledger.ended("surplus", 1, r.id, {f"{r.id}/0": 0, f"{r.id}/1": 0})
    ledger.step_ended(1)
    return ledger


def asked(*arguments: str):
    return CliRunner().invoke(app, ["ledger", *arguments])


@pytest.mark.parametrize("remote", [False, True])
def test_a_ledger_that_closes_is_told_as_a_table_and_as_json(tmp_path, remote):
    store = RunStore(f"memory://{tmp_path.name}-cli" if remote else str(tmp_path))
    run_of(store).close()
    told = asked(store.url)
    assert told.exit_code == 0, told.output
    rows = {
        " ".join(words[:-3]): words[-3:]
        for line in told.stdout.splitlines()
        if len(words := line.split()) > 3
    }
    assert rows["issued"] == rows["surplus"] == ["3", "6", "0"]
    assert rows["gap"] == rows["lost with workers"] == ["0", "0", "0"]
    assert "1 start of the stage, 0 steps rolled back\nthe books close\n" in told.stdout
    tree = json.loads(asked(store.url, "--json").stdout)
    assert tree["closes"]
    assert tree["lines"]["surplus"] == {"groups": 3, "samples": 6, "tokens": 0}
    assert tree["findings"] == []


def test_a_file_with_a_line_less_does_not_close_and_the_exit_code_says_so(tmp_path):
    run_of(RunStore(str(tmp_path))).close()
    part = tmp_path / "grpo/ledger/part_0001_000001.jsonl"
    lines = part.read_text().splitlines(keepends=True)
    part.write_text("".join(lines[:-2] + lines[-1:]))
    told = asked(str(tmp_path))
    assert told.exit_code == 1
    assert "the books do not close:\n- entry 1.7 (held): entry 6 was to come next" in told.stdout
    assert "- group 0/2: issued by the dispatcher, ended by nobody and not held by the buffer" in told.stdout
    as_json = asked(str(tmp_path), "--json")
    assert as_json.exit_code == 1
    assert not json.loads(as_json.stdout)["closes"]


def test_a_running_stage_may_have_open_books_but_one_that_is_done_may_not(tmp_path):
    store = RunStore(str(tmp_path))
    run_of(store)
    for status, code in (("running", 0), ("done", 1)):
        Manifest(created="t", stages={"grpo": StageEntry(status=status, started="t")}).save(store)
        assert asked(str(tmp_path)).exit_code == code
    assert "the loop never closed its books" in asked(str(tmp_path)).stdout


def test_many_findings_are_cut_short(tmp_path):
    store = RunStore(str(tmp_path))
    ledger = Ledger(store, "grpo")
    ledger.begin(0)
    ledger.issued([GenerationRequest(id=f"0/{i}", prompt_ids=(1,), max_tokens=8) for i in range(30)], 0)
    ledger.step_ended(1)
    told = asked(str(tmp_path)).stdout
    assert told.count("ended by nobody") == 20
    assert told.endswith("- and 10 more (--json tells all)\n")


def test_where_there_is_no_ledger_it_is_one_line(tmp_path: Path):
    told = asked(str(tmp_path))
    assert told.exit_code == 2
    assert (
        told.stderr
        == f"error: {tmp_path}: no ledger here (grpo/ledger is missing or empty); check the path\n"
    )
