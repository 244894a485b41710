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
