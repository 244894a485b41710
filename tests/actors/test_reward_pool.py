"""The reward pool on real Ray: what cannot be scored costs its own item only."""

import pytest

from rewards import RewardSample, Score, exam_reward

ROGUE = 5


def samples(n, text="<think>x</think>答案：B"):
    return [
        RewardSample(
            id=str(i), response=text if i % 2 else "答案：A", gold="B", kind="single", options=("一", "二")
        )
        for i in range(n)
    ]


def rogue_reward(deed):
    """A reward that does ``deed`` on one sample; defined here so that it is pickled by value."""
    from rewards import Reward, Score

    class Rogue(Reward):
        name = "rogue"

        def score(self, sample):
            if sample.id == "5":
                deed()
            return Score.of(float(sample.id))

    return Rogue()


def raises():
    def deed():
        raise KeyError("no such key")

    return deed


def hangs():
    def deed():
        import time

        while True:
            time.sleep(1)

    return deed


def dies():
    def deed():
        import os

        os._exit(1)

    return deed


def sends_nothing_back():
    def deed():
        raise SystemExit("leaving")

    return deed


@pytest.fixture
def pool(ray_local):
    from actors.reward_pool import RewardPool

    opened = []

    def opens(reward, **options):
        opened.append(RewardPool(reward, **options))
        return opened[-1]

    yield opens
    for each in opened:
        each.close()


def test_scores_are_those_of_the_reward_in_the_order_given(pool):
    reward = exam_reward(1.0, 0.5)
    batch = samples(150)
    scoring = pool(reward, workers=2)
    assert scoring.score(batch, version=3) == [reward.score(s) for s in batch]
    assert scoring.score([], version=3) == []
    assert scoring.score(batch[:1], version=4) == [reward.score(batch[0])]


@pytest.mark.parametrize(
    ("deed", "kind", "why"),
    [
        (raises, "scorer_exception", "KeyError"),
        (hangs, "timeout", "no score within 2 s"),
        (dies, "scorer_exception", "died"),
        (sends_nothing_back, "scorer_exception", "died"),
    ],
    ids=["raises", "hangs", "dies", "exits"],
)
def test_only_the_sample_at_fault_errs(pool, deed, kind, why):
    scoring = pool(rogue_reward(deed()), workers=2, timeout_s=2.0)
    scores = scoring.score(samples(12), version=1)
    failed = scores.pop(ROGUE)
    assert failed.error is not None
    assert failed.error.kind == kind
    assert why in failed.error.message
    assert failed.value is None
    assert scores == [Score.of(float(i)) for i in range(12) if i != ROGUE]
    # The replaced worker serves on.
    assert scoring.score(samples(4), version=2) == [Score.of(float(i)) for i in range(4)]
