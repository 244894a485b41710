"""The SFT loop with a learner that only takes notes, and the encoding of its examples."""

from __future__ import annotations

import numpy as np
import pytest
from checkpoint_folders import FakeSaves
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.errors import DataError
from psyche_rl.learner.sequence import SftSequence
from psyche_rl.learner.sft_encoding import encode_examples
from psyche_rl.loops.checkpoints import Checkpoints
from psyche_rl.loops.held_out import MINUS_DEV_LOSS, HeldOut
from psyche_rl.loops.sft import SftSettings, batch_of, train
from psyche_rl.records import Message, SftExample
from psyche_rl.stop import Stopped, StopRequest
from psyche_rl.store import RunStore

SETTINGS = SftSettings(lr=1e-3, batch_size=4, epochs=3, warmup_ratio=0.1, seed=5)
SEQUENCES = [SftSequence(np.array([n, n, n]), 1) for n in range(10)]


class NotingLearner(FakeSaves):
    """A state that depends on all sequences seen, in order."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.state: list[list[int]] = []
        self._dies_at = dies_at

    @property
    def seen(self) -> list[list[int]]:
        return self.state

    def sft_step(self, sequences):
        if len(self.seen) == self._dies_at:
            raise KeyboardInterrupt
        self.seen.append([int(s.input_ids[0]) for s in sequences])
        return {"loss": float(len(self.seen)), "tokens": 2.0 * len(sequences)}


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 3), st.integers(0, 99))
def test_every_epoch_sees_every_example_once(examples, batch, epochs, seed):
    settings = SftSettings(1e-3, batch, epochs, 0.1, seed)
    steps = [batch_of(n, examples, settings).tolist() for n in range(settings.total_steps(examples))]
    per_epoch = len(steps) // epochs
    for epoch in range(epochs):
        seen = [i for step in steps[epoch * per_epoch : (epoch + 1) * per_epoch] for i in step]
        assert sorted(seen) == list(range(examples))


def test_epochs_and_seeds_differ_in_order():
    other = SftSettings(1e-3, 10, 3, 0.1, seed=6)
    orders = [batch_of(n, 10, SftSettings(1e-3, 10, 3, 0.1, 5)).tolist() for n in range(3)]
    assert len({tuple(o) for o in [*orders, batch_of(0, 10, other).tolist()]}) == 4


def test_a_run_cut_off_goes_on_where_its_checkpoint_was(tmp_path):
    whole = NotingLearner()
    rows = []
    train(whole, SEQUENCES, SETTINGS, rows.append)
    assert [r["step"] for r in rows] == list(range(1, 10))
    assert rows[-1]["epoch"] == 3.0

    checkpoints = Checkpoints(RunStore(str(tmp_path)), "sft", keep=1)
    with pytest.raises(KeyboardInterrupt):
        train(NotingLearner(dies_at=7), SEQUENCES, SETTINGS, rows.append, checkpoints)
    resumed, again, told = NotingLearner(), [], []
    train(resumed, SEQUENCES, SETTINGS, again.append, checkpoints, told.append)
    assert told == [6]
    assert [r["step"] for r in again] == [7, 8, 9]
    assert resumed.seen == whole.seen


def test_what_is_written_slowly_counts_in_the_end(tmp_path):
    learner, checkpoints = NotingLearner(), Checkpoints(RunStore(str(tmp_path)), "sft", keep=1)
    learner.slow = True
    train(learner, SEQUENCES, SETTINGS, lambda _: None, checkpoints)
    assert [p.name for p in tmp_path.glob("sft/checkpoints/*")] == ["step_000008"]
    resumed = NotingLearner()
    train(resumed, SEQUENCES, SETTINGS, lambda _: None, checkpoints)
    assert resumed.seen == learner.seen


def test_no_examples_is_a_data_error():
    with pytest.raises(DataError, match="SFT has no examples"):
        train(NotingLearner(), [], SETTINGS, print)


def test_encoding_sets_aside_what_is_too_long_or_no_chat():
    class Words:
        eos_token_id, name_or_path = 9, "words"

        def apply_chat_template(self, chat, add_generation_prompt, tokenize):
            return " ".join(m["content"] for m in chat)

        def encode(self, text, add_special_tokens):
            return [len(word) for word in text.split()]

    def example(*contents, last="assistant"):
        roles = ["user"] * (len(contents) - 1) + [last]
        messages = tuple(Message(role=r, content=c) for r, c in zip(roles, contents, strict=True))
        return SftExample(id="x", kind="reasoning", messages=messages, source_id="s")

    examples = [example("a bb", "ccc"), example("a b c d", "e"), example("a", "b", last="user")]
    kept, left = encode_examples(Words(), examples, max_tokens=5, source="f.parquet")
    assert [(s.input_ids.tolist(), s.prompt_length) for s in kept] == [([1, 2, 3, 9], 2)]
    assert [(q.row, q.reason) for q in left] == [
        (1, "6 tokens, more than 5"),
        (2, "no prompt followed by an assistant message"),
    ]


@pytest.mark.parametrize("asked_in", [1, 4, 6])
def test_a_stop_saves_the_last_finished_step(tmp_path, asked_in):
    whole, cut, stop = NotingLearner(), NotingLearner(), StopRequest()
    train(whole, SEQUENCES, SETTINGS, lambda _: None)
    checkpoints = Checkpoints(RunStore(str(tmp_path)), "sft", keep=1)

    def asking(row) -> None:
        if row["step"] == asked_in:
            stop.request("SIGTERM")

    with pytest.raises(Stopped, match=f"after step {asked_in} of 9"):
        train(cut, SEQUENCES, SETTINGS, asking, checkpoints, stop=stop)
    assert len(cut.seen) == checkpoints.newest() == asked_in
    assert stop.leaving
    resumed = NotingLearner()
    train(resumed, SEQUENCES, SETTINGS, lambda _: None, checkpoints)
    assert resumed.seen == whole.seen


def test_a_stop_in_a_folder_of_another_saves_nothing(tmp_path):
    stop = StopRequest()
    checkpoints = Checkpoints(RunStore(str(tmp_path)), "sft", keep=1)
    with pytest.raises(Stopped):
        train(
            NotingLearner(), SEQUENCES, SETTINGS, lambda _: stop.request("gone", may_save=False), checkpoints,
            stop=stop,
        )  # fmt: skip
    assert checkpoints.newest() == 0


# -- held-out loss ----------------------------------------------------------------------------------
HELD_OUT = [SftSequence(np.array([n, n, n]), 1 + n % 2) for n in range(4)]


class RatedLearner(NotingLearner):
    """Its held-out loss after each step is given, whatever it saw."""

    def __init__(self, losses: list[float], dies_at: int | None = None) -> None:
        super().__init__(dies_at)
        self._losses = losses

    def logprobs(self, sequences):
        loss = self._losses[len(self.seen) - 1]
        return [np.full(len(s.input_ids) - s.prompt_length, -loss, np.float32) for s in sequences]


def best_kept(folder) -> Checkpoints:
    return Checkpoints(RunStore(str(folder)), "sft", 1, keep_best=True, metric=MINUS_DEV_LOSS)


def test_the_held_out_loss_is_in_the_rows_in_which_it_is_due():
    rows = []
    train(RatedLearner([0.5] * 9), SEQUENCES, SETTINGS, rows.append, held_out=HeldOut(HELD_OUT, every=4))
    assert {row["step"]: row["dev_loss"] for row in rows if "dev_loss" in row} == {4: 0.5, 8: 0.5, 9: 0.5}


def test_measuring_changes_nothing_that_is_trained():
    plain, measured = NotingLearner(), RatedLearner([0.5] * 9)
    train(plain, SEQUENCES, SETTINGS, lambda _: None)
    train(measured, SEQUENCES, SETTINGS, lambda _: None, held_out=HeldOut(HELD_OUT, every=1))
    assert measured.seen == plain.seen


def test_the_learner_ends_with_the_weights_of_the_best_held_out_loss(tmp_path):
    losses = [9, 8, 7, 3, 4, 5, 6, 7, 8]
    learner = RatedLearner(losses)
    train(learner, SEQUENCES, SETTINGS, lambda _: None, best_kept(tmp_path), held_out=HeldOut(HELD_OUT, 1))
    assert len(learner.seen) == 4
    last = RatedLearner(losses)
    kept = Checkpoints(RunStore(str(tmp_path / "last")), "sft", keep=1)
    train(last, SEQUENCES, SETTINGS, lambda _: None, kept, held_out=HeldOut(HELD_OUT, 1))
    assert len(last.seen) == 9, "without keep_best the last weights stay"


def test_training_ends_when_the_held_out_loss_has_not_fallen_for_so_long():
    rows = []
    learner = RatedLearner([9, 8, 7, 7.5, 7.0, 6, 1, 1, 1])
    train(learner, SEQUENCES, SETTINGS, rows.append, held_out=HeldOut(HELD_OUT, every=1, patience=2))
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5]  # 7.5 and 7.0 are no new best


@pytest.mark.parametrize("dies_at", [2, 4, 5])
def test_a_run_cut_off_ends_at_the_same_step_with_the_same_weights(tmp_path, dies_at):
    losses = [9, 8, 3, 7.5, 7.0, 6, 1, 1, 1]

    def attempt(folder, rows, dies=None):
        held_out, learner = HeldOut(HELD_OUT, every=1, patience=3), RatedLearner(losses, dies)

        def resume(step):
            del rows[step:]
            held_out.go_on(rows)

        train(learner, SEQUENCES, SETTINGS, rows.append, best_kept(folder), resume, held_out=held_out)
        return learner.seen

    whole, rows = [], []
    weights = attempt(tmp_path / "whole", whole)
    with pytest.raises(KeyboardInterrupt):
        attempt(tmp_path / "cut", rows, dies_at)
    assert attempt(tmp_path / "cut", rows) == weights
    assert rows == whole
    assert (len(weights), len(whole)) == (3, 6)


def test_the_loss_is_the_mean_over_reply_tokens_and_not_over_examples():
    class Given:
        def logprobs(self, sequences):
            return [np.full(len(s.input_ids) - s.prompt_length, -float(s.prompt_length)) for s in sequences]

    held_out = HeldOut(HELD_OUT, every=1)
    assert held_out.measure(Given()) == pytest.approx((2 * 2 * 1 + 2 * 1 * 2) / 6)
    assert not HeldOut([], every=1).due(1, 1)
