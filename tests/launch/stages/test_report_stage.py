"""The report stage on a run folder that was cut after SFT, and on a finished one's evaluation."""

import io
import json

import pytest
from charts_without_code import without_chart_code

from launch.cli.result import print_result
from launch.stages import report
from psyche_rl.config import RunConfig, dump_config
from psyche_rl.events import Events
from psyche_rl.run_context import StageContext
from psyche_rl.store import Manifest, RunStore, StageEntry


@pytest.fixture
def context(tmp_path, monkeypatch) -> StageContext:
    without_chart_code(monkeypatch)
    config = RunConfig(run_dir=str(tmp_path / "run"))
    store = RunStore(config.run_dir)
    store.write_text("config.yaml", dump_config(config))
    stages = {"sft": StageEntry(status="done", started="t", seconds=3.25, counts={"steps": 2})}
    Manifest(created="t", stages=stages).save(store)
    store.write_jsonl("sft/metrics.jsonl", [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}])
    return StageContext(config, store, Events(store, io.StringIO()), tmp_path)


def test_writes_page_json_and_curves_and_ends_with_the_path(context, capsys):
    counts = report.run(context)
    print_result(context.store)
    assert counts["metric_rows"] == 2
    written = context.store.read_bytes("report/metrics.jsonl").decode().splitlines()
    assert [json.loads(line) for line in written] == [
        {"stage": "sft", "step": 1, "loss": 2.0},
        {"stage": "sft", "step": 2, "loss": 1.0},
    ]
    tree = context.store.read_json("report/report.json")
    assert tree["stages"] == {"sft": {"status": "done", "seconds": 3.25, "counts": {"steps": 2}}}
    assert context.store.read_bytes("report/report.html").startswith(b"<!doctype html>")
    path = context.store.local_path("report/report.html")
    assert capsys.readouterr().out.splitlines()[-1] == f"report: {path}"
    gaps = [json.loads(line)["message"] for line in context.store.read_bytes("events.jsonl").splitlines()]
    assert any("GRPO curves" in gap for gap in gaps)


def test_prints_the_table_of_models(context, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    result = {"strict_accuracy": 0.4, "interval": [0.35, 0.45], "format_rate": 0.98, "n": 40}
    kinds = {"single": {"strict_accuracy": 0.7, "n": 20}, "multiple": {"strict_accuracy": 0.1, "n": 20}}
    context.store.write_json("eval/summary.json", {"base": result, "sft": {**result, "by_kind": kinds}})
    report.run(context)
    print_result(context.store)
    lines = {
        words[1]: words for line in capsys.readouterr().out.splitlines() if len(words := line.split()) > 2
    }
    assert "40.0" in lines["SFT"]
    assert {"70.0", "10.0", "98.0"} <= set(lines["SFT"])
    assert "70.0" not in lines["Base"]
