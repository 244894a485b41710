"""What comes out when nothing is said: settings, rubrics and probes that published figures stand on."""

import pytest

from rewards import (
    EqBench,
    ExactText,
    LanguageMix,
    LengthGate,
    McqStrict,
    Numeric,
    OrderedSections,
    QuestionnaireError,
    Repetition,
    RewardSample,
    RubricJudge,
    TextOverlap,
)
from rewards.judge.endpoint import FIRST_PAUSE_S, LONGEST_PAUSE_S
from rewards.judge.rubric import PRESETS, instructions, judge_messages
from rewards.probes import PROBE_QUESTIONS, SCALE_QUESTIONS, adversarial, golden
from rewards.reward import digest

JUDGE = RubricJudge("http://127.0.0.1:1/v1", "m")


@pytest.mark.parametrize(
    ("reward", "settings"),
    [
        (McqStrict(), {}),
        (ExactText(), {}),
        (EqBench(), {}),
        (Numeric(), {"decimals": 6}),
        (LanguageMix(), {"script": "han"}),
        (LengthGate(9), {"max_chars": 9, "min_chars": 1}),
        (Repetition(), {"n": 8}),
        (QuestionnaireError(3), {"max_score": 3.0, "min_score": 0.0}),
        (TextOverlap(), {"metric": "rouge_l", "tokenizer": "zh"}),
        (
            OrderedSections(),
            {"sections": ["情绪|情感|emotions", "原因|成因|causes", "意图|需求|intentions", "回复|回应|reply"]},  # noqa: E501
        ),
        (
            JUDGE,
            {
                "endpoint": "http://127.0.0.1:1/v1", "model": "m", "rubric": "cpsycoune",
                "api_key_env": None, "timeout_s": 60.0, "attempts": 3, "cache": None,
            },
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)  # fmt: skip
def test_settings_are_these_unless_told_otherwise(reward, settings):
    assert reward.settings() == settings
    assert (reward.weight, reward.kinds) == (1.0, ())
    assert (2 if reward.name == "mcq_strict" else 1) == reward.VERSION


def test_a_judge_is_asked_again_after_half_a_second_to_eight():
    assert (FIRST_PAUSE_S, LONGEST_PAUSE_S) == (0.5, 8.0)


def test_the_ranges_of_the_presets_are_those_of_their_sources():
    counselling = {"comprehensiveness": 2, "professionalism": 3, "authenticity": 3, "safety": 1}
    assert {name: {axis: d.top for axis, d in rubric.items()} for name, rubric in PRESETS.items()} == {
        "cpsycoune": counselling,
        "psyllm": counselling,
        "empathy_logic_guidance": {"empathy": 5, "logic": 5, "guidance": 5},
    }


def test_another_wording_for_the_judge_is_another_version():
    """Verdicts to another wording are other verdicts: if this fails, raise ``RubricJudge.VERSION``."""
    asked = [instructions(rubric) for rubric in PRESETS.values()]
    asked += [judge_messages(JUDGE._dimensions, prompt, "听起来你很难过。") for prompt in (None, "我落榜了")]
    assert (RubricJudge.VERSION, digest(asked)) == (1, "8b58204ca9291a24")


def test_self_tests_of_two_days_are_made_with_the_same_replies():
    """If this fails on purpose, say in the notes of the release that self-tests read differently."""
    questions = [*PROBE_QUESTIONS, *SCALE_QUESTIONS]
    assert digest([question.model_dump(exclude={"stem"}) for question in questions]) == "4f973408a5ac9b1c"
    replies = [[golden(q), golden(q, OrderedSections()), *map(repr, adversarial(q))] for q in questions]
    assert digest(replies) == "ab056da1a717fa44"


@pytest.mark.parametrize("question", PROBE_QUESTIONS[:3], ids=lambda question: question.id)
def test_questions_of_choice_show_their_options_and_hold_the_answer(question):
    lines = question.prompt.split("\n")
    assert lines[1:] == [f"{letter}.{text}" for letter, text in zip("ABCD", question.options, strict=True)]
    assert question.reference == f"答案：{question.gold}"
    assert set(question.gold) < set("ABCD")


def probes_of(gold, options=(), **fields):
    sample = RewardSample(id="q", response="", gold=gold, kind="single", options=options, **fields)
    return {probe.name: (probe.response.split("</think>")[-1], probe.level) for probe in adversarial(sample)}


def test_where_every_option_is_right_neither_the_question_nor_all_letters_are_a_cheat():
    right = {"question copied", "all options", "all options, hedged"}
    assert not right & set(probes_of("AB", ("甲", "乙")))
    some = probes_of("B", ("甲", "乙"))
    assert some["question copied"] == ("A.甲\nB.乙", "cheat")
    assert some["all options"] == ("答案：AB", "cheat")
    assert some["all options, hedged"] == ("答案是A或B", "cheat")
    assert probes_of("B", ("甲", "乙"), prompt="选一个")["question copied"][0] == "选一个"
    without = probes_of("从众")
    assert without["question copied"] == ("", "cheat")
    assert "all options" not in without


def test_the_gold_is_said_as_one_would_say_it():
    own = RewardSample(id="q", response="我的回答", gold="B", kind="single")
    assert golden(own) == ["我的回答"]
    spelt = RewardSample(id="q", response="", gold="甲|乙；丙", kind="short", reference="参考")
    plain = ["答案：甲；丙", "甲；丙", "\\boxed{甲；丙}", "<answer>甲；丙</answer>", "参考"]
    assert golden(spelt) == [f"<think>逐项分析各个说法。</think>{said}" for said in plain] + plain
    odd = RewardSample(id="q", response="", gold="略", kind="single", options=("甲", "乙"))
    assert golden(odd)[-1] == "<answer>略</answer>", "a gold that is no letter is said as it stands"
    assert probes_of("B、A", ("甲", "乙", "丙"))["wrong answer"][0] == "答案：C"
    assert probes_of("AB", ("甲", "乙"))["wrong answer"][0] == "答案：A"


def test_the_gold_of_a_choice_is_said_in_its_letters_and_of_a_text_in_its_first_spelling():
    def said(gold, options=()):
        return golden(RewardSample(id="q", response="", gold=gold, kind="single", options=options))

    assert "答案：AC" in said("C、A", ("甲", "乙", "丙"))
    assert "答案：从众；依恋" in said("从众|随大流；依恋")
