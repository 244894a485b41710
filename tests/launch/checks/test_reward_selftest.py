"""``psyche-rl rewards test``, and the GRPO stage's refusal of a reward that pays for silence."""

from __future__ import annotations

import json
from functools import partial
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from launch.checks.reward_selftest import refuse_pay_for_nothing
from launch.cli.app import app
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.errors import ConfigError
from psyche_rl.records import Question
from psyche_rl.rollout.question_codec import QuestionCodec
from rewards import OverlongPenalty, Score, ThinkFormat, exam_reward
from rewards.batch_scoring import score_batch

EXAM = "name: exam\ncompose: sum\nrewards:\n- reward: mcq_strict\n- {reward: think_format, weight: 0.5}\n"
CODEC = QuestionCodec(SimpleNamespace(), PromptConfig(), 8, 64, (0,))
QUESTIONS = [
    Question(id=f"q{n}", kind=kind, stem="题干", options=tuple("甲乙丙丁"), gold=gold, source="test")
    for n, (kind, gold) in enumerate([("single", "A"), ("single", "B"), ("multiple", "AC")])
]


def run_test(tmp_path, text, *arguments):
    (tmp_path / "set.yaml").write_text(text)
    return CliRunner().invoke(app, ["rewards", "test", str(tmp_path / "set.yaml"), *arguments])


def test_a_sound_reward_passes(tmp_path):
    done = run_test(tmp_path, EXAM)
    assert done.exit_code == 0, done.output
    assert "passed: no hack found" in done.stdout
    assert "gold repeated" in done.stdout


def test_a_hack_is_listed_and_is_exit_1(tmp_path):
    done = run_test(tmp_path, "reward: think_format\n", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["passed"] is False
    paid = {(row["kind"], row["probe"]) for row in told["probes"] if row["full_marks"]}
    assert ("single", "wrong answer") in paid
    assert ("single", "empty") not in paid
    shown = run_test(tmp_path, "reward: think_format\n").stdout
    assert "1 HACK 2/2" in shown, "two short questions"
    assert "FAILED: full marks for all options" in shown


def test_questions_of_ones_own(tmp_path):
    own = tmp_path / "own.jsonl"
    rows = [{"gold": "B", "options": ["甲", "乙"]}, {"gold": "乙", "response": "乙"}, {"options": []}]
    own.write_text("\n".join(map(json.dumps, rows)))
    done = run_test(tmp_path, EXAM, "--questions", str(own), "--json")
    assert done.exit_code == 0, done.output
    assert {row["question"] for row in json.loads(done.stdout)["probes"]} == {"1"}, "乙 is no option letter"
    assert f"{own}: row 3: " in done.stderr


def test_no_question_that_fits_is_one_line(tmp_path):
    done = run_test(tmp_path, "compose: first_applicable\nrewards: [{reward: mcq_strict, kinds: [essay]}]\n")
    assert done.exit_code == 2
    assert "give your own with --questions" in done.stderr


def asked(reward, scorer=None):
    told = []
    refuse_pay_for_nothing(reward, QUESTIONS, CODEC, scorer or partial(score_batch, reward), told.append)
    return told


def test_training_goes_on_with_a_sound_reward_and_one_question_of_each_kind():
    seen = []

    def scorer(samples):
        seen.extend(samples)
        return score_batch(exam_reward(1.0, 0.5), samples)

    assert asked(exam_reward(1.0, 0.5), scorer) == []
    assert {sample.id.split("/")[0] for sample in seen} == {"q0", "q2"}


def test_training_on_the_format_alone_goes_on_with_a_warning():
    (line,) = asked(ThinkFormat())
    assert "gives full marks to" in line
    assert "wrong answer" in line


@pytest.mark.parametrize("reward", [OverlongPenalty(400, 100)])
def test_training_on_a_reward_that_pays_for_silence_is_refused(reward):
    with pytest.raises(ConfigError) as caught:
        asked(reward)
    assert "reward 'overlong_penalty' gives an empty answer full marks" in str(caught.value)


def test_a_gold_without_a_score_is_told():
    down = asked(
        exam_reward(1.0, 0.5), lambda samples: [Score.failed("judge_unavailable", "down")] * len(samples)
    )
    assert len(down) == 2
    assert "has no score for the gold of q0" in down[0]
