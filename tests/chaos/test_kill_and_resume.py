"""A run that is killed in every stage ends as one that never was: the same bits, nothing paid for twice.

One run is left alone. Another, with the same seed, is killed with SIGKILL in each stage in turn and run
again in its folder. All tests compare the two, or what the killed run left behind each time.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from killable_run import (
    KillableRun,
    Remains,
    calls_in,
    metrics,
    remains,
    scripted_teacher,
    started_at,
)

from launch.cli.ledger import run_balance

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3000)]

STAGES = ("world", "synth", "select", "sft", "grpo", "eval")
IN_FLIGHT = 4
STEPS = 5
# A checkpoint every second step and the kill after the third: one step is lost and done again. Two ranks,
# so that the order of reductions is at stake as well.
SETTINGS = (
    "tests/e2e/tiny.yaml", f"teacher.max_in_flight={IN_FLIGHT}", f"grpo.max_steps={STEPS}",
    "grpo.save_every=2", "grpo.ranks=2",
)  # fmt: skip
WALL_CLOCK = ("time/", "throughput/")


@dataclass(frozen=True)
class Runs:
    """Both run folders, and the killed one at each kill."""

    whole: Path
    killed: Path
    at_kill: dict[str, Remains]
    end: Remains
    calls_before: int
    """Calls that the teacher had got when synthesis was killed."""
    calls: list[str]
    """All calls of the killed run."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Runs:
    base = tmp_path_factory.mktemp("chaos")
    whole, killed = base / "whole", base / "killed"
    with scripted_teacher(base / "whole_calls.jsonl", 0) as url:
        arguments = (*SETTINGS, f"run_dir={whole}", f"teacher.base_url={url}")
        KillableRun(base / "whole.log", *arguments).finish(900)
    log = base / "calls.jsonl"
    moments = {
        "world": (killed / "world" / "base" / "config.json").exists,
        "synth": lambda: len(calls_in(log)) >= 40,
        "select": lambda: any(killed.glob("select/verdicts/*/*.parquet")),
        "sft": lambda: any(killed.glob("sft/checkpoints/*/done")),
        "grpo": lambda: any(row["step"] == 3 for row in metrics(killed, "grpo")),
        "eval": (killed / "eval" / "base.parquet").exists,
    }
    at_kill, calls_before = {}, 0
    with scripted_teacher(log, 100) as url:
        arguments = (*SETTINGS, f"run_dir={killed}", f"teacher.base_url={url}")
        for stage in STAGES:
            survivors = KillableRun(base / f"{stage}.log", *arguments).kill_when(moments[stage])
            at_kill[stage] = remains(killed, survivors)
            if stage == "synth":
                calls_before = len(calls_in(log))
        KillableRun(base / "end.log", *arguments).finish(900)
    return Runs(whole, killed, at_kill, remains(killed), calls_before, calls_in(log))


@pytest.mark.parametrize("stage", STAGES)
def test_the_stage_was_killed_and_taken_up_once(runs, stage):
    assert runs.at_kill[stage].stages[stage]["status"] == "running"
    assert runs.end.stages[stage]["status"] == "done"
    assert runs.end.stages[stage]["attempts"] == 2


@pytest.mark.parametrize("stage", STAGES)
def test_no_process_outlives_its_driver(runs, stage):
    assert runs.at_kill[stage].survivors == ()


@pytest.mark.parametrize("stage", STAGES)
def test_finished_stages_are_not_redone(runs, stage):
    before = runs.at_kill[stage]
    assert before.done == set(STAGES[: STAGES.index(stage)])
    for finished in before.done:
        assert runs.end.stages[finished] == before.stages[finished]
        assert runs.end.files(finished) == before.files(finished)


def test_no_answered_llm_call_is_sent_again(runs):
    answered = runs.at_kill["synth"].answered
    assert len(answered) >= 40 - IN_FLIGHT
    again = runs.calls[runs.calls_before :]
    assert again
    assert not answered & set(again)
    repeated = [digest for digest, times in Counter(runs.calls).items() if times > 1]
    assert len(repeated) <= IN_FLIGHT
    counts = runs.end.stages["synth"]["counts"]
    assert counts["llm_calls_cached"] >= len(answered)


def test_no_finished_model_of_the_world_is_made_again(runs):
    base = runs.at_kill["world"].files("world/base")
    assert base
    assert runs.end.files("world/base") == base


def test_no_finished_selector_batch_is_generated_again(runs):
    batches = runs.at_kill["select"].files("select/verdicts")
    assert 0 < len(batches) < len(runs.end.files("select/verdicts"))
    assert {name: runs.end.written[name] for name in batches} == batches
    assert runs.end.stages["select"]["counts"]["batches_reused"] == len(batches)


def test_no_finished_evaluation_is_repeated(runs):
    answers = runs.at_kill["eval"].written["eval/base.parquet"]
    assert runs.end.written["eval/base.parquet"] == answers


def test_grpo_goes_on_from_its_checkpoint(runs):
    assert [row["step"] for row in metrics(runs.killed, "grpo")] == list(range(STEPS + 1))
    assert started_at(runs.killed, "grpo") == [1, 3]
    kept = {f"grpo/rollouts/step_{step:06d}.parquet" for step in (1, 2)}
    before = runs.at_kill["grpo"].written
    assert {name: runs.end.written[name] for name in kept} == {name: before[name] for name in kept}


def test_the_books_close_over_the_kill_with_the_lost_step_on_its_own_line(runs):
    whole, killed = (run_balance(str(folder)) for folder in (runs.whole, runs.killed))
    assert (whole.findings, killed.findings) == ((), ())
    assert (whole.incarnations, killed.incarnations) == (1, 2)
    assert killed.line("trained") == whole.line("trained") == whole.line("issued")
    assert killed.line("rolled back").groups + killed.line("abandoned").groups > 0


def test_sft_goes_on_from_its_checkpoint(runs):
    begun, first = started_at(runs.killed, "sft")
    assert begun == 1 < first < len(metrics(runs.killed, "sft"))


@pytest.mark.parametrize("stage", ["sft", "grpo"])
def test_every_figure_of_every_step_is_the_same_bit_for_bit(runs, stage):
    whole, killed = (
        [{k: v for k, v in row.items() if not k.startswith(WALL_CLOCK)} for row in metrics(folder, stage)]
        for folder in (runs.whole, runs.killed)
    )
    assert killed == whole


def test_the_comparison_means_something(runs):
    """Losses that are all zero would agree whatever was lost."""
    after = [row for row in metrics(runs.killed, "grpo") if row["step"] > 2]
    assert len(after) == STEPS - 2
    assert all(row["kl/mean"] > 0 for row in after)
    assert all(row["policy/grad_norm"] > 0 for row in after)
    assert any(row["loss/policy"] != 0 for row in after)
    assert any(row["group/zero_variance_share"] < 1 for row in after)
    losses = [row["loss"] for row in metrics(runs.killed, "sft")]
    assert losses[-1] < losses[0]


def test_models_and_records_are_the_same(runs):
    for name in ("world/base", "world/selectors/phi3", "sft/model", "grpo/model"):
        file = f"{name}/model.safetensors"
        assert digest(runs.killed / file) == digest(runs.whole / file), name
    for name in (
        "synth/questions",
        "synth/rationales",
        "synth/dialogues",
        "select/grpo",
        "select/sft",
        "eval/grpo",
    ):
        file = f"{name}.parquet"
        assert pq.read_table(runs.killed / file) == pq.read_table(runs.whole / file), name
    summaries = [
        json.loads((f / "eval" / "summary.json").read_text("utf-8")) for f in (runs.whole, runs.killed)
    ]
    assert summaries[0] == summaries[1]


def digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()
