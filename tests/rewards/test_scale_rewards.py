"""Rewards that read figures: questionnaire items and EQ-Bench intensities."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import EqBench, QuestionnaireError, RewardSample
from rewards.shipped.eq_bench import scaled
from rewards.shipped.questionnaire_error import gold_scores, read_items


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


@pytest.mark.parametrize(("lowest", "highest", "fine"), [(0, 10, True), (-0.5, 9, False), (0, 10.5, False)])
def test_intensities_of_a_gold_are_from_0_to_10(lowest, highest, fine):
    complaint = EqBench().check(sample("", {**EMOTIONS, "Hope": highest, "Anger": lowest}))
    assert (complaint is None) == fine
    assert fine or "is not four emotions -> 0 to 10" in complaint
    three = dict.fromkeys(list(EMOTIONS)[:3], 1)
    assert "is not four emotions" in EqBench().check(sample("", three))


def test_an_intensity_of_ten_can_be_said_and_more_cannot():
    gold = {**EMOTIONS, "Hope": 10}
    assert EqBench().score(sample(reply(gold), gold)).parts == {"item_score": 10.0, "parsable": 1.0}
    assert EqBench().score(sample(reply({**gold, "Hope": 10.5}), gold)).parts["parsable"] == 0.0


@pytest.mark.parametrize(
    ("said", "items"),
    [
        ('{"1": 2, "二": 3.5, "3": "四", "4": null}', {"1": 2.0, "二": 3.5}),
        ('好的{"1": 2}，{"2": 1}', {"好的1": 2.0, "2": 1.0}),
        ("}1: 2{", {"1": 2.0}),
        ("{}", {}),
        ('{"1": 1' + "0" * 400 + "}", {}),
        ("{甲: 1}\n乙: 2", {"甲": 1.0, "乙": 2.0}),
        ("1. 2分\n1. 3 points", {"1": 3.0}),
        ("a" * 115 + ": 2", {"a" * 115: 2.0}),
        ("a" * 118 + ": 2", {}),
        ("第3题 = -1.5", {"3": -1.5}),
    ],
)
def test_what_is_read_of_items(said, items):
    assert read_items(said) == items


def test_an_items_text_may_be_120_characters_long():
    for chars, read in ((117, 1), (118, 0)):
        assert len(read_items("a" * chars + ": 2")) == read


def test_scores_lie_on_the_scale_ends_included():
    reward = QuestionnaireError(max_score=4, min_score=1)
    asked = sample("1. 1\n2. 4\n3. 0.9\n4. 4.1", {"1": 1, "2": 4, "3": 1, "4": 4})
    assert reward.check(asked) is None
    assert reward.score(asked).parts == {"items_read": 0.5}
    assert reward.score(asked).value == -0.5
    for off in (0.9, 4.1):
        assert reward.check(sample("", {"1": 2, "2": off})) == "gold item '2' is off the scale"
    for lowest in (3, 4):
        with pytest.raises(ValueError, match="min_score < max_score"):
            QuestionnaireError(max_score=3, min_score=lowest)


@pytest.mark.parametrize(
    ("gold", "why"),
    [("{", "is not JSON"), ("[1]", "is not an object"), ('{"a": 1, "A ": 2}', "is not an object")],
)
def test_why_a_gold_cannot_be_read(gold, why):
    with pytest.raises(ValueError, match=why):
        gold_scores(gold)
