"""A step that is trained in parts: what is done at once, what waits for the whole, and what both come to."""

from __future__ import annotations

import numpy as np
import pytest
from loop_fakes import FakeLearner, logprob, question, sample

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.errors import WeightSyncError
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.loops.step_batch import Rollout, StepBatch, step_batch
from psyche_rl.loops.step_training import StepTraining, part_size
from psyche_rl.store import RunStore
from rewards import RewardSample, Score

P, N = 6, 2
TEXTS = ("一", "二二")


def config_of(**grpo) -> GrpoConfig:
    given = {"prompts_per_step": P, "mini_batch_prompts": 3, "group_size": N, "sync_tolerance": 1e-3}
    return GrpoConfig.model_validate(given | grpo)


def part(config, places, failed=(), drift=0.0) -> StepBatch:
    """Groups at these places, which follow one another; ``failed``: those whose scorers gave nothing."""
    rollouts = [
        Rollout(question(p), tuple(sample(t, f"g{p}", i, logprob(0) + drift) for i, t in enumerate(TEXTS)))
        for p in places
    ]
    scores = [
        Score.failed("timeout", "late") if p in failed else Score(value=float(i))
        for p in places
        for i in range(N)
    ]
    given = [RewardSample(id=s.id, response="", gold="A", kind="single") for r in rollouts for s in r.samples]
    return step_batch(rollouts, given, scores, config, places[0])


class Told:
    """A training with a fake learner and a ledger that takes notes."""

    def __init__(self, config, folder, monkeypatch):
        self.calls, self.books = [], []
        self.learner = FakeLearner(self.calls)
        ledger = Ledger(RunStore(str(folder)), "grpo")
        for event in ("trained", "ended"):
            monkeypatch.setattr(ledger, event, lambda *a, e=event, **more: self.books.append((e, *a, more)))
        self.training = StepTraining(self.learner, ledger, config, 0)

    @property
    def verbs(self):
        return [(call[0], call[-1]) if call[0] in ("old", "backward") else call[0] for call in self.calls]

    def trained(self):
        return [name for book in self.books if book[0] == "trained" for name, _ in book[2]]


@pytest.fixture
def told(tmp_path, monkeypatch):
    return lambda config: Told(config, tmp_path, monkeypatch)


CUTS = [
    [[0, 1, 2, 3, 4, 5]],
    [[0], [1], [2], [3], [4], [5]],
    [[0, 1], [2, 3], [4, 5]],
    [[0, 1, 2, 3], [4, 5]],
]


@pytest.mark.parametrize("bypass", [False, True])
@pytest.mark.parametrize("cut", CUTS)
def test_mini_batches_hold_the_same_however_the_groups_came(told, cut, bypass):
    config = config_of(bypass_mode=bypass, rollout_is=None)
    case = told(config)
    for places in cut:
        case.training.add(part(config, places))
        assert ("update", 0) not in case.calls, "weights move when the step is whole"
    metrics = case.training.finish()
    assert [verb for verb in case.verbs if verb == "update"] == ["update"] * 2
    # The first mini-batch in as many passes as parts brought something of it, the second in one.
    first = [sum(place < 3 for place in places) * N for places in cut]
    assert [v[1] for v in case.verbs if v[0] == "backward"] == [n for n in first if n] + [3 * N]
    old = [sum(place >= 3 for place in places) * N for places in cut]
    assert [v[1] for v in case.verbs if v[0] == "old"] == ([] if bypass else [n for n in old if n])
    assert case.verbs[-3:] == ["update", ("backward", 3 * N), "update"]
    ids = [f"g{place}/{index}" for place in range(P) for index in range(N)]
    assert case.trained() == ids
    own_pass = [[s.old_logprobs is None for s in sequences] for sequences, _ in case.learner.seen]
    assert own_pass == [[not bypass] * len(sequences) for sequences, _ in case.learner.seen[:-1]] + [
        [False] * 3 * N
    ]
    assert metrics["loss/total"] == (1 + 2) / 2
    assert metrics["policy/ratio_max"] == 3
    assert metrics["policy/grad_norm"] == 0.5


def test_every_sample_that_the_learner_saw_is_compared_before_the_first_update(told):
    config = config_of()
    for drifting in (0, 4):
        case = told(config)
        for place in range(P):
            case.training.add(part(config, [place], drift=0.1 if place == drifting else 0.0))
        with pytest.raises(WeightSyncError, match="disagree at weight version 0"):
            case.training.finish()
        assert "update" not in case.verbs
    metrics = (case := told(config)).training
    metrics.add(part(config, range(P)))
    assert metrics.finish()["sync/logprob_diff_max"] < 1e-6
    assert case.learner.updates == 2


@pytest.mark.parametrize("cut", CUTS)
def test_groups_without_a_baseline_are_counted_and_left_out(told, cut):
    config = config_of()
    case = told(config)
    failed = {0, 1, 2, 4}
    for places in cut:
        case.training.add(part(config, places, failed))
    case.training.finish()
    assert [verb for verb in case.verbs if verb == "update"] == ["update"], "of the second mini-batch alone"
    assert [v for v in case.verbs if v[0] == "old"] == [], "which is the first that there is"
    assert case.trained() == ["g3/0", "g3/1", "g5/0", "g5/1"]
    ended = [book for book in case.books if book[0] == "ended"]
    assert {book[3] for book in ended} == {f"g{place}" for place in failed}
    assert all(book[1:3] == ("errored", 1) and book[-1] == {"judged": N} for book in ended)


def test_nothing_to_train_on_moves_nothing(told):
    config = config_of()
    case = told(config)
    case.training.add(part(config, range(P), failed=set(range(P))))
    assert case.training.finish() == {}
    assert case.calls == []


@pytest.mark.parametrize(
    ("prompts", "advantage", "least"),
    [(64, "grpo", 8), (6, "rloo", 1), (2, "opo", 1), (64, "reinforce_plus_plus", 64), (8, "gpg", 8)],
)
def test_the_learner_begins_with_an_eighth_unless_advantages_need_all(prompts, advantage, least):
    config = config_of(prompts_per_step=prompts, mini_batch_prompts=prompts, advantage=advantage)
    assert part_size(config) == least


def test_places_and_rows_go_on_over_the_parts():
    config = config_of()
    parts = [part(config, places) for places in ([0, 1], [2], [3, 4, 5])]
    joined, whole = StepBatch.joined(parts), part(config, range(P))
    assert [one.groups for one in parts] == [2, 1, 3]
    assert [row.place for row in joined.rows] == [row.place for row in whole.rows]
    assert [row.advantage for row in joined.rows] == [row.advantage for row in whole.rows]
    assert np.abs([row.advantage for row in joined.rows]).min() > 0
