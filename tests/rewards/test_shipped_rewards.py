"""What holds for every shipped reward: bounds, purity, and no marks for nothing."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import RewardSample, load_reward_set
from rewards.reference import SHIPPED

EMOTIONS = '{"Surprise": 7, "Relief": 2, "Anger": 0, "Hope": 5}'
CHAIN = "情绪：难过\n原因：落榜\n意图：想被理解\n回复：这一定很不好受。"

# Settings, a question's gold, a reply that earns full marks, and the marks: lowest and full.
CASES = {
    "mcq_strict": ({}, "AC", "答案：AC", 0, 1),
    "mcq_elastic": ({}, "AC", "答案：AC", 0, 1),
    "mcq_jaccard": ({}, "AC", "答案：AC", 0, 1),
    "keypoint_recall": ({}, "登门槛效应；认知失调", "登门槛效应和认知失调", 0, 1),
    "exact_text": ({}, "艾宾浩斯", "答案：艾宾浩斯", 0, 1),
    "numeric": ({}, "12", "答案：12", 0, 1),
    "ordered_sections": ({}, "", CHAIN, 0, 1),
    "length_gate": ({"max_chars": 20}, "", "答案：A", 0, 1),
    "repetition": ({"n": 2}, "", "工作记忆", -1, 0),
    "language_mix": ({}, "", "工作记忆", -1, 0),
    "text_overlap": ({"metric": "chrf"}, "", "听上去你的压力很大。", 0, 1),
    "questionnaire_error": ({"max_score": 10}, EMOTIONS, EMOTIONS, -1, 0),
    "eq_bench": ({}, EMOTIONS, EMOTIONS, -1.9909, 1),
}
ELSEWHERE = {"think_format", "overlong_penalty", "rubric_judge"}
"""Judge the form or the length of the whole reply, or ask a judge: tested in files of their own."""
OPTIONS = ("内隐记忆", "外显记忆", "感觉记忆", "工作记忆")
REWARDS = {name: load_reward_set({"reward": name, **case[0]}) for name, case in CASES.items()}


def ask(name, response, **fields):
    reference = "听上去你的压力很大。"
    return RewardSample(
        id="q",
        response=response,
        gold=CASES[name][1],
        kind="case",
        options=OPTIONS,
        reference=reference,
        **fields,
    )


def test_every_shipped_reward_is_tried_here_or_elsewhere():
    assert set(CASES) | ELSEWHERE == set(SHIPPED)


@pytest.mark.parametrize("name", CASES)
def test_a_right_reply_earns_full_marks_and_an_empty_one_the_lowest(name):
    _, _, right, lowest, full = CASES[name]
    reward = REWARDS[name]
    assert reward.check(ask(name, "")) is None
    assert reward.score(ask(name, right)).value == pytest.approx(full)
    for empty in ("", " \n", "<think>想了想</think>", f"<think>{right}", f"<think>{right}</think>\n"):
        assert reward.score(ask(name, empty)).value == pytest.approx(lowest, abs=1e-4), empty


@pytest.mark.parametrize("name", sorted(set(CASES) - {"repetition"}))
def test_the_think_block_changes_nothing(name):
    reward, right = REWARDS[name], CASES[name][2]
    for reply in (right, "不知道"):
        bare = reward.score(ask(name, reply))
        for think in ("答案：B", "答案：12", right, "let me see", "回复："):
            assert reward.score(ask(name, f"<think>{think}</think>\n{reply}")) == bare


pieces = ["<think>", "</think>", "答案：", "A", "C", "12", "\n", "。", "{", "}", '"1": 2', "情绪：", "回复："]
pieces += ["Hope: 5", "\\boxed{", "\\frac{1}{2}", "$", "登门槛效应", "；", "1. ", "<answer>", "%", "x"]
texts = st.text(max_size=60) | st.lists(st.sampled_from(pieces), max_size=12).map("".join)


@pytest.mark.parametrize("name", CASES)
@given(response=texts, truncated=st.booleans())
def test_marks_stay_in_bounds_and_repeat(name, response, truncated):
    lowest, full = CASES[name][3:]
    asked = ask(name, response, truncated=truncated)
    score = REWARDS[name].score(asked)
    assert score.error is None
    assert lowest - 1e-4 <= score.value <= full
    assert REWARDS[name].score(asked) == score


@pytest.mark.parametrize("name", CASES)
def test_rewards_travel_by_pickle(name):
    again = pickle.loads(pickle.dumps(REWARDS[name]))
    asked = ask(name, CASES[name][2])
    assert again.score(asked) == REWARDS[name].score(asked)
    assert load_reward_set(again.describe()).fingerprint() == again.fingerprint()
