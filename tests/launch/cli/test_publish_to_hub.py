"""``psyche-rl publish --push-to-hub`` against a fake of ``HfApi``; not run against the real hub."""

from __future__ import annotations

import pytest
from fake_hub import FakeHub
from huggingface_hub import errors
from typer.testing import CliRunner

from data_pipeline.publish.hub_upload import hub_upload
from launch.cli.app import app
from psyche_rl.config import dump_config, parse_config
from psyche_rl.errors import ConfigError
from psyche_rl.records import Dialogue, Passage, Question, Rationale, SftExample
from psyche_rl.store import Manifest, RunStore, StageEntry

TOKEN = "hf_" + "abc123" * 6


@pytest.fixture
def hub(monkeypatch) -> FakeHub:
    fake = FakeHub()
    monkeypatch.setattr("huggingface_hub.HfApi", fake.api)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return fake


@pytest.fixture
def store(tmp_path) -> RunStore:
    """A run with one question to publish, and a model."""
    store = RunStore(str(tmp_path / "run"))
    store.write_text("config.yaml", dump_config(parse_config({"run_dir": store.url}, "test")))
    asked = {"kind": "single", "stem": "问", "options": ("甲", "乙"), "gold": "A", "source": "a.md"}
    question = Question(id="q", passage_id="p", **asked)
    passage = Passage(id="p", text="甲。", source="a.md", row=1, licence="CC0-1.0")
    store.write_records("synth/passages.parquet", Passage, [passage])
    store.write_records("synth/questions.parquet", Question, [question])
    store.write_records("select/grpo.parquet", Question, [question])
    for rel, kind in (
        ("synth/rationales", Rationale), ("synth/dialogues", Dialogue), ("select/sft", SftExample),
    ):  # fmt: skip
        store.write_records(f"{rel}.parquet", kind, [])
    for name, text in {
        "config.json": "{}", "tokenizer.json": "{}", "model.safetensors": "w", "README.md": "card",
        ".cache": "x", "model.safetensors.0a1b2c3d.tmp": "half",
    }.items():  # fmt: skip
        store.write_text(f"grpo/model/{name}", text)
    manifest = Manifest.load(store)
    for stage in ("synth", "select", "grpo"):
        manifest.stages[stage] = StageEntry(status="done", started="now", settings={"teacher.model": "t"})
    manifest.save(store)
    return store


def publish(store, *arguments):
    return CliRunner().invoke(app, ["publish", store.url, *map(str, arguments)])


def test_without_upload_nothing_is_sent_and_no_token_is_needed(hub, store, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    done = publish(store, "--push-to-hub", "me/exam")
    assert done.exit_code == 0, done.output
    assert "grpo/train-00000-of-00001.parquet" in done.stdout
    assert "would upload 3 files" in done.stdout
    assert "to the private dataset me/exam; nothing was sent" in done.stdout
    assert (hub.repos, hub.tokens) == ({}, [])


def test_the_data_go_with_their_card_and_nothing_else(hub, store, tmp_path):
    done = publish(store, "--push-to-hub", "me/exam", "--upload", "--out", tmp_path / "data")
    assert done.exit_code == 0, done.output
    ((kind, name),) = hub.repos
    assert (kind, name, hub.private[name], hub.tokens) == ("dataset", "me/exam", True, [TOKEN])
    sent = hub.repos[kind, name]
    assert sorted(sent) == ["README.md", "grpo/train-00000-of-00001.parquet", "provenance.json"]
    assert sent["README.md"] == (tmp_path / "data/README.md").read_bytes()
    assert TOKEN not in done.output
    assert "https://hub.example/me/exam" in done.stdout


def test_the_model_goes_with_its_card_and_without_left_overs(hub, store):
    done = publish(store, "--model", "--push-to-hub", "me/model", "--upload", "--public")
    assert done.exit_code == 0, done.output
    sent = hub.repos["model", "me/model"]
    assert sorted(sent) == ["README.md", "config.json", "model.safetensors", "tokenizer.json"]
    assert not hub.private["me/model"]
    store.remove("grpo/model/README.md")
    assert "a model is published with its card" in publish(store, "--model", "--push-to-hub", "a/b").output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "say where to: --out DIR, or --push-to-hub"),
        (("--upload",), "--upload: say where to"),
        (("--model",), "--model: give --push-to-hub"),
        (("--push-to-hub", "exam"), "write it as OWNER/NAME"),
        (("--push-to-hub", "a/b c"), "--push-to-hub a/b c: "),
    ],
)
def test_what_is_wrong_is_one_line(hub, store, arguments, says):
    done = publish(store, *arguments)
    assert done.exit_code == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert says in line
    assert hub.repos == {}


def test_a_repository_that_others_read_is_not_written_to_unasked(hub, store):
    hub.private["me/exam"] = False
    refused = publish(store, "--push-to-hub", "me/exam", "--upload")
    assert refused.exit_code == 2
    assert "can be read by everybody; pass --public" in refused.stderr
    assert hub.messages == []
    assert publish(store, "--push-to-hub", "me/exam", "--upload", "--public").exit_code == 0


def test_a_hub_that_refuses_and_a_missing_token_are_one_line(hub, store, monkeypatch):
    hub.fails = OSError(f"403 Forbidden for {TOKEN}\nmore")
    done = publish(store, "--push-to-hub", "me/exam", "--upload")
    assert done.exit_code == 2
    assert "me/exam: the hub did not take it: 403 Forbidden for ***" in done.stderr
    monkeypatch.setenv("HF_TOKEN", " ")
    assert "no token; export HF_TOKEN" in publish(store, "--push-to-hub", "me/exam", "--upload").stderr


def test_errors_of_the_hub_are_of_the_kinds_that_are_caught(tmp_path):
    assert issubclass(errors.HfHubHTTPError, OSError)
    assert issubclass(errors.HFValidationError, ValueError)
    with pytest.raises(ConfigError):
        hub_upload("a/b/c", "model", tmp_path, False)
