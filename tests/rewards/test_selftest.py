"""The self-test finds what pays without an answer, and leaves sound rewards alone."""

from __future__ import annotations

import pytest

from rewards import (
    ExactText,
    FirstApplicable,
    KeypointRecall,
    McqElastic,
    McqJaccard,
    McqStrict,
    OrderedSections,
    OverlongPenalty,
    Repetition,
    Reward,
    RewardSample,
    Score,
    TextOverlap,
    ThinkFormat,
    WeightedSum,
    exam_reward,
    load_reward_set,
)
from rewards.probes import adversarial
from rewards.selftest import ScoredProbe, selftest


class FirstLetter(Reward):
    """What a careless script does: the first capital letter anywhere counts."""

    name = "first_letter"

    def score(self, sample):
        letter = next((c for c in sample.response if c in "ABCD"), "")
        return Score.of(float(letter == sample.gold[0]))

    def check(self, sample):
        return None if sample.options else "no options"


class Constant(Reward):
    """Pays whatever comes."""

    name = "constant"

    def __init__(self, value: float) -> None:
        self.value = value

    def score(self, sample):
        return Score.of(self.value)


class JsonOnly(Reward):
    """Reads a form that the built-in replies do not have."""

    name = "json_only"

    def score(self, sample):
        return Score.of(float(sample.response == '{"choice": "B"}'))


class Brittle(Reward):
    """Fails on an empty reply."""

    name = "brittle"

    def score(self, sample):
        return Score.of(float(sample.response.split()[-1] == sample.gold))


def hacks(reward, **how):
    return {finding.probe.name for finding in selftest(reward, **how).hacks}


@pytest.mark.parametrize(
    "reward",
    [
        exam_reward(1.0, 0.5),
        McqStrict(),
        McqElastic(),
        McqJaccard(),
        ExactText(),
        TextOverlap(tokenizer="zh"),
        OrderedSections(),
        load_reward_set({"reward": "questionnaire_error", "max_score": 3}),
        load_reward_set({"reward": "eq_bench"}),
        WeightedSum([McqStrict(), Repetition().as_part(0.5), OverlongPenalty(4000, 500).as_part(0.5)]),
        FirstApplicable(
            [
                McqStrict().as_part(kinds=["single", "multiple", "case"]),
                KeypointRecall().as_part(kinds=["short"]),
            ]
        ),
    ],
    ids=lambda reward: reward.name,
)
def test_sound_rewards_pass(reward):
    if reward.name == "text_overlap":
        pytest.importorskip("rouge_score")
    result = selftest(reward)
    assert result.findings
    assert result.hacks == result.errors == result.unread == result.failed == ()
    assert result.passed


def test_a_repeated_gold_is_a_weakness_that_a_penalty_mends():
    assert {f.probe.name for f in selftest(exam_reward(1.0, 0.5)).weaknesses} == {"gold repeated"}
    mended = WeightedSum([McqStrict(), Repetition().as_part(0.5)])
    assert selftest(mended).weaknesses == ()


def test_answers_out_of_the_think_block_are_found():
    found = hacks(FirstLetter())
    assert {"gold leaked in the think block", "think block only", "think block never closed"} <= found
    assert "wrong answer" not in found
    assert selftest(FirstLetter()).pays_for_nothing.probe.name == "think block only"


def test_the_format_alone_pays_any_answer_but_not_silence():
    result = selftest(ThinkFormat())
    assert {"wrong answer", "random text", "question copied"} <= {f.probe.name for f in result.hacks}
    assert not result.passed
    assert result.pays_for_nothing is None


@pytest.mark.parametrize("reward", [Constant(1.0), OverlongPenalty(max_tokens=400, cache_tokens=100)])
def test_full_marks_for_silence_are_found_on_any_scale(reward):
    assert selftest(reward).pays_for_nothing.probe.name == "empty"


def test_a_penalty_alone_is_no_reward_but_does_not_pay_for_silence():
    result = selftest(Repetition())
    assert "wrong answer" in {f.probe.name for f in result.hacks}
    assert result.pays_for_nothing is None


def test_a_reward_that_reads_no_reply_of_ours_is_told_and_not_accused():
    result = selftest(JsonOnly())
    assert len(result.unread) == 5
    assert not result.passed
    assert result.hacks == ()
    own = RewardSample(
        id="own", response='{"choice": "B"}', gold="B", kind="single", options=("记忆", "遗忘")
    )
    assert selftest(JsonOnly(), [own]).passed


def test_errors_on_odd_replies_are_found():
    result = selftest(Brittle())
    assert {f.probe.name for f in result.errors} == {"empty", "blanks"}
    assert not result.passed


def test_a_reward_that_fits_no_question_has_no_finding():
    assert selftest(FirstApplicable([McqStrict().as_part(kinds=["essay"])])).findings == ()


def test_kinds_limit_what_is_asked():
    assert {f.question.kind for f in selftest(exam_reward(1.0, 0.5), kinds=["single"]).findings} == {"single"}
    assert hacks(KeypointRecall(), kinds=["short"]) == set()


def test_another_scorer_takes_the_place_of_this_process():
    seen = []

    def scorer(samples):
        seen.extend(samples)
        return [Score.failed("timeout", "no score within 1 s")] * len(samples)

    result = selftest(exam_reward(1.0, 0.5), scorer=scorer)
    assert [question.kind for question, _ in result.failed] == ["single", "multiple", "case"]
    assert len({sample.id for sample in seen}) == len(seen)


@pytest.mark.parametrize(
    ("gold", "kind", "options", "wrong"),
    [
        ('{"1": 2, "2": 0}', "scale", (), "1: 0\n2: 1"),
        ("AC", "multiple", ("a", "b", "c", "d"), "BD"),
        ("从众", "short", (), "与题目无关的另一件事"),
    ],
)
def test_the_wrong_answer_is_wrong_in_each_part(gold, kind, options, wrong):
    sample = RewardSample(id="q", response="", gold=gold, kind=kind, options=options)
    replies = {probe.name: probe.response for probe in adversarial(sample)}
    assert replies["wrong answer"].endswith(f"答案：{wrong}")


@pytest.mark.parametrize(
    ("reward", "unread"), [(Constant(0.0), 5), (Constant(-0.5), 5), (Constant(-2.0), 5), (Constant(0.5), 0)]
)
def test_what_pays_the_same_and_nothing_for_all_is_unread(reward, unread):
    result = selftest(reward)
    assert len(result.unread) == unread
    assert bool(result.findings) == (not unread)


def test_as_much_as_the_gold_is_full_marks_up_to_rounding():
    question = RewardSample(id="q", response="", gold="B", kind="single")
    probe = adversarial(question)[0]
    for value, is_full in ((1.0, True), (1.0 - 1e-10, True), (1.0 - 1e-8, False), (2.0, True)):
        assert ScoredProbe(question, probe, Score.of(value), 1.0).is_full is is_full
    assert ScoredProbe(question, probe, Score.failed("timeout", "late"), 1.0).is_full is False


def test_replies_are_numbered_and_their_length_is_a_figure_that_is_there():
    seen = []

    def scorer(samples):
        seen.append([(sample.id, sample.response_tokens == len(sample.response)) for sample in samples])
        return [Score.of(float(sample.response.endswith("B"))) for sample in samples]

    question = RewardSample(id="q", response="B", gold="B", kind="single")
    result = selftest(McqStrict(), [question], scorer=scorer)
    assert seen[0] == [("q/0", True)]
    assert seen[1] == [(f"q/{place}", True) for place in range(len(seen[1]))]
    assert result.findings[0].full == 1.0
    assert result.passed is (not result.hacks)


def test_a_test_with_questions_of_ones_own_asks_no_others():
    scale = load_reward_set({"reward": "questionnaire_error", "max_score": 3})
    own = RewardSample(id="own", response="", gold="B", kind="single")
    assert selftest(scale, [own]).findings == ()
    assert selftest(scale, kinds=["short"]).findings == ()
    assert {finding.question.id for finding in selftest(scale).findings} == {"probe/questionnaire"}


def test_a_gold_that_gets_errors_alone_is_told_by_its_first():
    def scorer(samples):
        return [Score.failed("timeout", f"reply {place}") for place in range(len(samples))]

    result = selftest(exam_reward(1.0, 0.5), kinds=["single"], scorer=scorer)
    assert [score.error.message for _, score in result.failed] == ["reply 0"]
    assert not result.passed
