"""``check`` on trackers: a client that is missing, a key that is, a place for files."""

import pytest

from launch.checks import trackers
from launch.checks.run_findings import RunFindings
from launch.checks.trackers import check_trackers
from psyche_rl.config import parse_config


def lines(track, run_dir="runs/x"):
    found = RunFindings()
    check_trackers(parse_config({"run_dir": run_dir, "track": track}, "c.yaml"), ["sft"], found)
    return [problem.line() for problem in found.problems], found.unchecked


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    monkeypatch.setattr(trackers, "is_installed", lambda name: True)
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return tmp_path / "netrc"


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_missing_client_is_named_with_what_to_install(monkeypatch, name):
    monkeypatch.setattr(trackers, "is_installed", lambda name: name == "tensorboard")
    (line,), _ = lines(["tensorboard", name])
    assert line == f"'track': {name} is not installed (given: '{name}'); pip install 'psyche-rl[{name}]'"


def test_wandb_needs_a_key_unless_it_is_offline(monkeypatch, nobody):
    (line,), _ = lines(["wandb"])
    assert line.startswith("'track': wandb has no key")
    assert lines([{"name": "wandb", "offline": True}]) == ([], [])
    nobody.write_text("machine api.wandb.ai login user password p\n")
    assert lines(["wandb"]) == ([], ["track: whether wandb's server takes what it is sent"])
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    assert lines([{"name": "wandb", "uri": "https://wandb.here"}])[0] == []


def test_mlflow_without_a_server_needs_a_disk(monkeypatch):
    (line,), _ = lines(["mlflow"], "memory://run")
    assert "mlflow keeps files on a local disk only" in line
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:5000")
    assert lines(["mlflow"], "memory://run")[0] == []
