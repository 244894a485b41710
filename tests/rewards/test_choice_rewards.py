"""Elastic and Jaccard correctness against their set formulas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import McqElastic, McqJaccard, McqStrict, RewardSample

OPTIONS = ("内隐记忆", "外显记忆", "感觉记忆", "工作记忆", "程序记忆")
letters = st.sets(st.sampled_from("ABCDE"), min_size=1).map(lambda s: "".join(sorted(s)))


def sample(response, gold, **fields):
    return RewardSample(id="q", response=response, gold=gold, kind="multiple", options=OPTIONS, **fields)


@pytest.mark.parametrize(
    ("response", "gold", "elastic", "jaccard"),
    [
        ("答案：ABD", "ABD", 1.0, 1.0),
        ("答案：A、D", "ABD", 2 / 3, 2 / 3),
        ("答案：A", "ABD", 1 / 3, 1 / 3),
        ("答案：ABC", "ABD", 0.0, 2 / 4),
        ("答案：ABCDE", "ABD", 0.0, 3 / 5),
        ("答案：C", "ABD", 0.0, 0.0),
        ("答案：B", "Ｂ", 1.0, 1.0),
        ("答案：A或B", "AB", 0.0, 0.0),
        ("<think>答案：ABD</think>不知道", "ABD", 0.0, 0.0),
        ("<think>答案：ABD", "ABD", 0.0, 0.0),
        ("", "ABD", 0.0, 0.0),
    ],
)
def test_partial_credit(response, gold, elastic, jaccard):
    assert McqElastic().score(sample(response, gold)).value == pytest.approx(elastic)
    assert McqJaccard().score(sample(response, gold)).value == pytest.approx(jaccard)


@given(letters, letters)
def test_strict_is_full_marks_of_the_others(chosen, gold):
    asked = sample(f"答案：{chosen}", gold)
    strict, elastic, jaccard = (r.score(asked).value for r in (McqStrict(), McqElastic(), McqJaccard()))
    assert (strict == 1.0) == (elastic == 1.0) == (jaccard == 1.0) == (chosen == gold)
    assert strict <= elastic <= 1
    assert strict <= jaccard <= 1
    assert (elastic > 0) == (set(chosen) <= set(gold))


@pytest.mark.parametrize("reward", [McqStrict(), McqElastic(), McqJaccard()])
@pytest.mark.parametrize("gold", ["", "略", "F", "AF"])
def test_an_impossible_gold_is_a_complaint_and_an_error(reward, gold):
    assert "gold" in reward.check(sample("答案：A", gold))
    assert reward.score(sample("答案：A", gold)).error.kind == "bad_gold"
    assert reward.check(sample("", "AB")) is None
