"""Logs for inspect's viewer, read back by inspect itself, and (slow) the bundle in a browser."""

from __future__ import annotations

import functools
import http.server
import math
import sys
import threading
from pathlib import Path

import pytest
from headless import headless_browser, shoot
from item_rows import HOSTILE, board_rows, item_row

from psyche_rl.errors import ConfigError, DataError, RunFolderError
from psyche_rl.inspect_logs.bundle import bundle
from psyche_rl.inspect_logs.item_logs import write_item_logs
from psyche_rl.inspect_logs.rollout_logs import write_rollout_logs
from psyche_rl.records import ScoredSample
from psyche_rl.store import RunStore

NOW = "2026-01-02T03:04:05+00:00"


def rollout(step: int, place: int, reward: float | None, advantage: float | None = 0.5) -> ScoredSample:
    return ScoredSample(
        step=step, group_id=f"{step}/0", question_id="q", sample_id=f"{step}/0/{place}", prompt="问\nA.甲",
        response=f"<think>{HOSTILE}想</think>答案：A", gold="A", response_length=5, finish_reason="length",
        reward=reward, reward_parts={} if reward is None else {"mcq_strict": reward},
        reward_error="timeout" if reward is None else None, advantage=advantage, weight_version=3,
    )  # fmt: skip


@pytest.fixture
def run(tmp_path) -> RunStore:
    store = RunStore(str(tmp_path / "run7"))
    for step in (1, 2):
        rows = [rollout(step, 0, 1.0), rollout(step, 1, 0.0, -0.5), rollout(step, 2, None, None)]
        store.write_records(f"grpo/rollouts/step_{step:06d}.parquet", ScoredSample, rows)
    return store


@pytest.mark.slow
def test_inspect_reads_every_item_with_prompt_reply_rule_key_and_scores(tmp_path):
    from inspect_ai.log import read_eval_log

    rows = [
        item_row(item="a", notes={"mcq_strict": "said the judge"}),
        item_row(item="a", sample=1, response="答案：B"),
        item_row(item="b", scores={}, unscored=("mcq_strict",), ended="failed", error="no route",
                 response=""),
        item_row(item="c", response="<think>没想完", ended="length", scores={"mcq_strict": 0.0}),
    ]  # fmt: skip
    (path,) = write_item_logs(rows, tmp_path / "logs", NOW)
    assert path.name.startswith("2026-01-02T03-04-05_pceb_")
    log = read_eval_log(str(path))
    assert (log.status, log.eval.model, log.eval.config.epochs) == ("success", "m", 2)
    (score,) = log.results.scores
    assert (score.name, score.scored_samples, score.unscored_samples) == ("mcq_strict", 3, 1)
    assert score.metrics["mean"].value == 0.5  # items, each with the mean of its samples: (1 + 0) / 2
    samples = {(s.id, s.epoch): s for s in log.samples}
    first, second, failed, cut = (samples[key] for key in (("a", 1), ("a", 2), ("b", 1), ("c", 1)))
    assert (first.target, second.output.completion) == ("A", "答案：B")
    assert first.messages[0].content.startswith("单选题")
    reasoning, text = first.output.message.content
    assert (reasoning.reasoning, text.text) == ("七加减二。", "答案：A")
    assert first.metadata["reply"] == rows[0].response
    given = first.scores["mcq_strict"]
    assert (given.value, given.answer) == (1.0, "A")
    assert given.explanation == "extraction rule: cue\nsaid the judge"
    assert math.isnan(failed.scores["mcq_strict"].value)
    assert failed.error.message == "no route"
    assert cut.output.stop_reason == "max_tokens"
    assert cut.output.message.content[0].reasoning == "没想完"


@pytest.mark.slow
def test_inspect_reads_the_rollouts_of_each_step(tmp_path, run):
    from inspect_ai.log import read_eval_log

    paths = write_rollout_logs(run.url, tmp_path / "logs", created=NOW)
    assert len(paths) == 2
    (path,) = write_rollout_logs(run.url, tmp_path / "one", range(2, 3), created=NOW)
    log = read_eval_log(str(path))
    assert (log.eval.task, log.eval.model) == ("grpo-step-000002", "run7")
    assert [(s.id, s.epoch) for s in log.samples] == [("2/0", 1), ("2/0", 2), ("2/0", 3)]
    assert [s.scores["advantage"].value for s in log.samples[:2]] == [0.5, -0.5]
    assert log.samples[2].scores["reward"].explanation == "could not be scored: timeout"
    assert (log.eval.metadata["groups"], log.eval.metadata["replies_without_reward"]) == (1, 1)
    means = {score.name: score.metrics["mean"].value for score in log.results.scores}
    assert means == {"reward": 0.5, "advantage": 0.0, "mcq_strict": 0.5}


def test_what_cannot_be_written_is_told_in_a_line(tmp_path, run, monkeypatch):
    with pytest.raises(DataError, match="it has 1 to 2"):
        write_rollout_logs(run.url, tmp_path / "logs", range(7, 9))
    with pytest.raises(RunFolderError, match="run the stage grpo first"):
        write_rollout_logs(str(tmp_path), tmp_path / "logs")
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)
    with pytest.raises(ConfigError, match=r"pip install 'psyche-rl\[inspect\]'"):
        bundle(tmp_path / "out", lambda folder: [])
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_bundle_in_a_browser(tmp_path, run):
    rows = board_rows(6)
    out = tmp_path / "view"
    assert bundle(out, lambda folder: write_item_logs(rows, folder, NOW)) == 6
    assert (
        bundle(out, lambda folder: write_item_logs(rows, folder, NOW)) == 6
    )  # an earlier bundle is replaced
    assert str(tmp_path) not in (out / "index.html").read_text("utf-8")
    (tmp_path / "logs").mkdir()  # a folder of the user's that looks a little like a bundle
    with pytest.raises(DataError, match="holds something else"):
        bundle(tmp_path, lambda folder: write_item_logs(rows, folder, NOW))
    handler = functools.partial(_Silent, directory=str(out))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with headless_browser() as browser:
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
            page.get_by_text("policy 心理 7B").first.wait_for()
            name = next(p for p in (out / "logs").glob("*pceb*") if holds(p, "policy 心理 7B")).name
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/#/logs/{name}")
            page.get_by_text("case-multiple-0").first.wait_for()
            shoot(page, "bench_view", tmp_path)
            page.get_by_text("case-multiple-1").first.click()
            page.get_by_text("答案").first.wait_for()
            page.wait_for_load_state("networkidle")
            shoot(page, "bench_view_item", tmp_path)
            assert page.evaluate("window.attacked") is None
    finally:
        server.shutdown()
        thread.join()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def holds(path: Path, model: str) -> bool:
    from inspect_ai.log import read_eval_log

    return read_eval_log(str(path), header_only=True).eval.model == model
