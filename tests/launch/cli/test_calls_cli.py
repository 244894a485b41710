import json

import pytest
from typer.testing import CliRunner

from launch.cli.app import app
from psyche_rl.llm import CallCache, CallFailure, ChatReply, ChatRequest
from psyche_rl.llm.call_cache import CACHE_FILE, CallNote


def ask(text):
    return ChatRequest("m", (("user", text),), 0.0, 16)


@pytest.fixture
def run_dir(tmp_path):
    cache = CallCache(tmp_path / CACHE_FILE, clock=lambda: 0.0)
    cache.put(
        ask("出一道题"),
        ChatReply("[bold]题[/bold]", 30, 40),
        CallNote("synth.questions", "m", "http://a/v1", 2, 0.5),
    )
    cache.put(ask("改写"), ChatReply("好", 5, 6), CallNote("synth.empathy", "m", "http://a/v1"))
    lost = CallFailure("timeout", "no reply in 3 s")
    cache.fail(ask("再来一道"), lost, CallNote("synth.questions", "m", "http://a/v1", 6, 18.0))
    cache.close()
    config = "teacher: {prices: {m: {prompt: 1000, completion: 2000}}, currency: CNY}\n"
    (tmp_path / "config.yaml").write_text(config, "utf-8")
    return str(tmp_path)


def psyche(*words):
    return CliRunner().invoke(app, ["calls", *words])


def told(*words):
    return json.loads(psyche(*words, "--json").stdout)


def test_sums_statuses_and_calls(run_dir):
    found = told(run_dir)
    assert found["statuses"] == {"ok": 2, "timeout": 1}
    assert found["currency"] == "CNY"
    assert [(u["stage"], u["calls"], u["failed"], u["cost"]) for u in found["usage"]] == [
        ("synth.empathy", 1, 0, 0.017),
        ("synth.questions", 1, 1, 0.11),
    ]
    assert [c["id"] for c in found["calls"]] == [1, 2, 3]
    assert found["calls"][0]["time"] == "1970-01-01T00:00:00+00:00"
    table = psyche(run_dir)
    assert table.exit_code == 0
    assert "0.1270" in table.stdout  # the sum
    assert "timeout 1" in table.stdout


def test_filters(run_dir):
    assert [c["id"] for c in told(run_dir, "--status", "error")["calls"]] == [3]
    assert [c["id"] for c in told(run_dir, "--stage", "synth.questions", "--limit", "1")["calls"]] == [3]
    assert [u["stage"] for u in told(run_dir, "--stage", "synth.empathy")["usage"]] == ["synth.empathy"]


def test_one_call_whole(run_dir):
    text = psyche(run_dir, "--show", "1").stdout
    assert "出一道题" in text
    assert "[bold]题[/bold]" in text
    assert "2 attempts" in text
    assert told(run_dir, "--show", "1")["request"]["messages"][0]["content"] == "出一道题"
    failed = psyche(run_dir, "--show", "3").stdout
    assert "再来一道" in failed
    assert "no reply in 3 s" in failed


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--show", "9"), "no call 9"),
        (("--stage", "grpo"), "synth.empathy, synth.questions"),
        (("--status", "lost"), "ok, timeout"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(run_dir, words, why):
    result = psyche(run_dir, *words)
    assert result.exit_code == 2
    assert why in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_folder_without_calls_or_with_another_file_is_told(tmp_path):
    assert "no calls to an LLM" in psyche(str(tmp_path)).stderr
    (tmp_path / CACHE_FILE).write_text("not a database, by any stretch of the imagination")
    assert "cannot be read" in psyche(str(tmp_path)).stderr
