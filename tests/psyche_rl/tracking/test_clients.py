"""The clients themselves, offline: MLflow's file store and W&B's files are read back."""

import struct

import pytest

from psyche_rl.config import parse_config
from psyche_rl.store import RunStore
from psyche_rl.tracking.adapters import tracker_of
from psyche_rl.tracking.tracker import Opening, Shown

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def tell(folder, name, run_id, rows):
    """One process: open, tell, close."""
    track = [{"name": name, "offline": True, "project": "p"}]
    config = parse_config({"run_dir": str(folder), "track": track}, "test")
    tracker = tracker_of(config.track[0], RunStore(str(folder)))
    tree = config.model_dump(mode="json")
    told = tracker.open(Opening(run_id, "title", tree, "seed: 0\n", folder))
    steps = tracker.newest_steps()
    tracker.rows("grpo", rows)
    tracker.figures({"test/grpo/strict_accuracy": 0.75})
    tracker.table("grpo/samples", Shown(("question", "reward"), (("问", "1.0"),)), 1)
    tracker.page("report/report.html", "<p>here</p>")
    tracker.close("finished")
    return told, steps


def rows(first, last):
    return [{"step": n, "reward/mean": n / 2, "policy/lr": 0.1} for n in range(first, last + 1)]


def test_mlflow_goes_on_in_its_run_and_says_what_it_has(tmp_path):
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    first, none = tell(tmp_path, "mlflow", None, rows(1, 3))
    second, steps = tell(tmp_path, "mlflow", first, rows(4, 4))
    assert (second, none, steps) == (first, {}, {"grpo": 3})
    other, _ = tell(tmp_path, "mlflow", "0" * 32, [])
    assert other not in (first, "0" * 32)  # a run that is gone begins anew
    client = MlflowClient((tmp_path / "tracking/mlflow").as_uri())
    history = client.get_metric_history(first, "grpo/reward/mean")
    assert [(m.step, m.value) for m in history] == [(1, 0.5), (2, 1.0), (3, 1.5), (4, 2.0)]
    run = client.get_run(first)
    assert run.info.status == "FINISHED"
    assert run.data.params["grpo.group_size"]
    assert run.data.metrics["test/grpo/strict_accuracy"] == 0.75
    names = {file.path for file in client.list_artifacts(first)}
    assert {"config.yaml", "grpo", "report"} <= names


def test_an_mlflow_server_that_is_not_there_fails_in_seconds(tmp_path):
    pytest.importorskip("mlflow")
    track = [{"name": "mlflow", "uri": "http://127.0.0.1:9"}]
    config = parse_config({"run_dir": str(tmp_path), "track": track}, "test")
    tracker = tracker_of(config.track[0], RunStore(str(tmp_path)))
    with pytest.raises(Exception, match="host='127"):
        tracker.open(Opening(None, "title", {}, "", tmp_path))


def test_wandb_goes_on_in_its_run_by_its_id(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    first, none = tell(tmp_path, "wandb", None, rows(1, 3))
    second, _ = tell(tmp_path, "wandb", first, rows(4, 4))
    wandb.teardown()  # its process writes what it still holds
    assert (second, none) == (first, None)
    history = [row for file in run_files(tmp_path, first) for row in history_of(file)]
    curve = [(row["grpo/step"], row["grpo/reward/mean"]) for row in history if "grpo/reward/mean" in row]
    assert curve == [("1", "0.5"), ("2", "1"), ("3", "1.5"), ("4", "2")]
    assert any(key.startswith("grpo/samples") for row in history for key in row)
    assert any(key.startswith("report/report.html") for row in history for key in row)


def run_files(folder, run_id):
    """The files of both processes, oldest first."""
    files = list(folder.glob(f"tracking/wandb/offline-run-*-{run_id}*/*.wandb"))
    assert files
    return sorted(files, key=lambda file: file.stat().st_mtime_ns)


def history_of(file):
    """Rows of a .wandb file: after its header, LevelDB's log format, whose records are protobuf."""
    from wandb.proto.wandb_internal_pb2 import Record

    found = []
    for raw in records(file.read_bytes()):
        record = Record.FromString(raw)
        if record.WhichOneof("record_type") == "history":
            items = record.history.item
            found.append({item.key or ".".join(item.nested_key): item.value_json for item in items})
    return found


def records(data, block=32768):
    at, parts = 7, b""
    while at + 7 <= len(data):
        left = block - at % block
        if left < 7:
            at += left
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield parts
            parts = b""
