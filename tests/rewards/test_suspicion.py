"""Which well-paid replies are shown first."""

from rewards import RewardSample
from rewards.suspicion import suspicious


def reply(text):
    return RewardSample(id="x", response=text, gold="B", kind="single")


PLAIN = "<think>先看题干，再逐项排除。</think>答案：B"


def test_each_sign_is_seen_and_the_oddest_comes_first():
    loop = "<think></think>" + "答案：B，" * 200
    long = "<think>" + "".join(chr(0x4E00 + i) for i in range(400)) + "</think>答案：B"
    found = suspicious([reply(t) for t in (PLAIN, long, PLAIN, loop, PLAIN, PLAIN)], [1.5] * 6)
    assert [(s.place, s.signs) for s in found] == [
        (3, ("empty think", "very long", "repeated text")),
        (1, ("very long",)),
    ]


def test_badly_paid_and_unscored_replies_are_left_out():
    odd = reply("<think></think>答案：C")
    assert suspicious([odd, odd, reply(PLAIN)], [0.0, None, 1.5]) == []
    assert suspicious([odd], [None]) == []
    assert len(suspicious([odd] * 30, [1.0] * 30)) == 20


def of_length(chars, start=0x4E00):
    """A reply of so many different ideographs."""
    return reply("".join(chr(start + at) for at in range(chars)))


def signs(text, others=()):
    found = suspicious([reply(text), *others], [1.0] * (1 + len(others)))
    return next((dict(zip(s.signs, [s.degree], strict=False)) for s in found if s.place == 0), {})


def test_a_think_block_of_less_than_five_characters_says_nothing():
    assert signs("<think> 一二三四 </think>答案：B") == {"empty think": 1.0}
    assert signs("<think>一二三四五</think>答案：B") == {}


def test_very_long_is_four_times_the_median_and_two_hundred_characters():
    short = [of_length(50)] * 4
    assert "very long" not in signs(of_length(199).response, short)
    assert signs(of_length(200).response, short) == {"very long": 0.4}
    longer = [of_length(100)] * 4
    assert "very long" not in signs(of_length(399).response, longer)
    assert signs(of_length(400).response, longer) == {"very long": 0.4}
    assert signs(of_length(2000).response, longer) == {"very long": 1.0}
    assert signs(of_length(200).response, [reply("")] * 4) == {"very long": 1.0}


def test_repeated_is_a_text_three_tenths_of_whose_runs_of_four_stood_before():
    once = "甲乙丙丁戊己庚"  # of 7 + 6 units 10 runs, 3 of which come again
    assert signs(once + "甲乙丙丁戊己") == {"repeated text": 0.3}
    assert signs("甲乙丙丁戊己庚辛" + "甲乙丙丁戊己") == {}


def test_the_upper_half_of_the_values_is_looked_at_the_oddest_and_best_paid_first():
    odd, odder = "<think></think>答案：B", "<think></think>" + "甲乙丙丁" * 9
    texts = [odd, odd, odder, odd, odd]
    found = suspicious([reply(text) for text in texts], [0.0, 0.5, 0.6, 0.49, 1.0])
    assert [suspect.place for suspect in found] == [2, 4, 1]
    assert [suspect.value for suspect in found] == [0.6, 1.0, 0.5]
    two = suspicious([reply(text) for text in texts], [1.0, 1.0, 1.0, 1.0, 1.0], most=2)
    assert [suspect.place for suspect in two] == [2, 0]
