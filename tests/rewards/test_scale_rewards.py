"""Rewards that read figures: questionnaire items and EQ-Bench intensities."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import EqBench, QuestionnaireError, RewardSample
from rewards.shipped.eq_bench import scaled


def sample(response, gold):
    return RewardSample(id="q", response=response, gold=json.dumps(gold, ensure_ascii=False), kind="case")


GOLD = {"1": 3, "2": 0, "3": 2, "4": 1}


@pytest.mark.parametrize(
    ("response", "error", "read"),
    [
        ("1. 3\n2. 0\n3. 2\n4. 1", 0, 1),
        ("第1题：3分\n第2题：0分；第3题：2分, 第4题：1分", 0, 1),
        ("- **1**: 3\n- **2**: 0\n- **3**: 2\n- **4**: 1", 0, 1),
        ("Item 1: 3\nitem 2: 0\nQ3: 2\nQ4 = 1", 0, 1),
        ('结果如下：{"1": 3, "2": 0, "3": 2, "4": 1}', 0, 1),
        ("1. 0\n2. 3\n3. 2\n4. 1", (1 + 1) / 4, 1),
        ("1. 3\n2. 0", 2 / 4, 0.5),
        ("1. 3\n1. 0\n2. 0\n3. 2\n4. 1", 1 / 4, 1),
        ("1. 30\n2. 0\n3. 2\n4. 1", 1 / 4, 0.75),
        ("<think>1. 3\n2. 0\n3. 2\n4. 1</think>不知道", 1, 0),
        ("<think>1. 3\n2. 0\n3. 2\n4. 1", 1, 0),
        ("", 1, 0),
    ],
)
def test_questionnaire_error(response, error, read):
    score = QuestionnaireError(max_score=3).score(sample(response, GOLD))
    assert score.value == pytest.approx(-error)
    assert score.parts == {"items_read": read}


def test_named_items_and_half_points():
    score = QuestionnaireError(max_score=5, min_score=1).score(
        sample("入睡困难：2.5\n早醒：5", {"入睡困难": 3.5, "早醒": 5})
    )
    assert score.value == pytest.approx(-(1 / 4 + 0) / 2)


scores = st.dictionaries(st.integers(1, 30).map(str), st.integers(0, 3), min_size=1)


@given(scores, st.randoms(use_true_random=False))
def test_the_error_is_the_mean_over_the_range(gold, rng):
    said = {item: rng.randint(0, 3) for item in gold}
    response = "\n".join(f"{item}. {score}" for item, score in said.items())
    by_hand = sum(abs(said[i] - gold[i]) for i in gold) / 3 / len(gold)
    assert QuestionnaireError(max_score=3).score(sample(response, gold)).value == pytest.approx(-by_hand)


@pytest.mark.parametrize(
    "gold", ["", "[1, 2]", "{}", '{"1": "三"}', '{"1": NaN}', '{"1": 7}', '{" ": 1}', "{"]
)
@pytest.mark.parametrize("reward", [QuestionnaireError(max_score=3), EqBench()])
def test_a_gold_off_the_scale_or_unreadable_is_bad(reward, gold):
    asked = RewardSample(id="q", response="1. 3", gold=gold, kind="case")
    assert "gold" in reward.check(asked)
    assert reward.score(asked).error.kind == "bad_gold"


EMOTIONS = {"Surprise": 7, "Relief": 2, "Anger": 0, "Hope": 5}


def reply(ratings):
    return "\n".join(f"{emotion}: {rating}" for emotion, rating in ratings.items())


def published(gold, said):
    """The formula as the benchmark's paper and code give it."""
    tally = 0.0
    for emotion, reference in gold.items():
        d = abs(said[emotion] - reference)
        tally += 0 if d == 0 else 6.5 * (1 / (1 + math.e ** (-1.2 * (d - 4)))) if d <= 5 else d
    return 10 - tally * 0.7477


@given(st.fixed_dictionaries(dict.fromkeys(EMOTIONS, st.integers(0, 10))))
def test_eq_bench_is_the_published_formula(said):
    score = EqBench().score(sample(reply(said), EMOTIONS))
    assert score.parts["item_score"] == pytest.approx(published(EMOTIONS, said))
    assert score.value == pytest.approx(score.parts["item_score"] / 10)


def test_eq_bench_by_hand():
    # Distances 1, 4, 6 and 0: 6.5 / (1 + e^3.6) = 0.1729, 6.5 / 2 = 3.25, 6 and 0.
    said = {"Surprise": 8, "Relief": 6, "Anger": 6, "Hope": 5}
    score = EqBench().score(sample(reply(said), EMOTIONS))
    assert score.parts["item_score"] == pytest.approx(10 - 0.7477 * (0.1729 + 3.25 + 6), abs=1e-4)
    assert (scaled(0), scaled(5)) == (0.0, pytest.approx(4.9954, abs=1e-4))


@pytest.mark.parametrize(
    "response",
    [
        reply(EMOTIONS),
        "First pass scores:\n"
        + reply(dict.fromkeys(EMOTIONS, 1))
        + "\n\nRevised scores:\n"
        + reply(EMOTIONS),
        "Revised scores:\nGuilt: 4\n"
        + reply(dict.fromkeys(EMOTIONS, 1))
        + "\nRevised scores:\n"
        + reply(EMOTIONS),
        f"修正后的分数：\n内疚：3\n{reply(dict.fromkeys(EMOTIONS, 9))}\n修正后评分：\n{reply(EMOTIONS)}",
        "<think>Surprise: 0</think>" + reply(EMOTIONS),
        "**Surprise**: 7，**Relief**：2，**Anger**: 0, **Hope**: 5\n",
    ],
)
def test_full_marks_on_eq_bench(response):
    assert EqBench().score(sample(response, EMOTIONS)).value == 1.0


@pytest.mark.parametrize(
    "response",
    [
        "",
        reply({k: v for k, v in EMOTIONS.items() if k != "Hope"}),
        reply({**EMOTIONS, "Joy": 3}),
        reply({**EMOTIONS, "Hope": 99}),
        f"<think>{reply(EMOTIONS)}</think>",
        f"<think>{reply(EMOTIONS)}",
    ],
)
def test_an_unparsable_reply_is_as_bad_as_being_wrong_by_ten(response):
    score = EqBench().score(sample(response, EMOTIONS))
    assert score.value == pytest.approx((10 - 0.7477 * 40) / 10)
    assert score.parts["parsable"] == 0.0
