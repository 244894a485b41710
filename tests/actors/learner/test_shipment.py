"""Sequences that are sent come out as they went in."""

from __future__ import annotations

import pickle
from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.learner.shipment import Shipment
from psyche_rl.learner.sequence import PolicySequence, SftSequence

TOKENS = st.lists(st.integers(0, 9), min_size=1, max_size=6)


@st.composite
def policy_sequences(draw) -> PolicySequence:
    prompt, reply = draw(TOKENS), draw(TOKENS)
    figures = np.arange(len(reply), dtype=np.float32)
    return PolicySequence.of(
        prompt,
        reply,
        draw(st.none() | st.just(figures)),
        draw(st.none() | st.just(0.5)),
        draw(st.none() | st.just(-figures)),
        draw(st.sampled_from(["a group", "group 3"])),
    )


def same(one, other) -> bool:
    if not isinstance(one, np.ndarray):
        return one == other and type(one) is type(other)
    return one.dtype == other.dtype and np.array_equal(one, other)


@given(st.lists(policy_sequences(), max_size=5))
def test_policy_sequences_come_out_as_they_went_in(sequences):
    found = pickle.loads(pickle.dumps(Shipment.of(sequences))).unpacked()
    assert len(found) == len(sequences)
    for one, other in zip(found, sequences, strict=True):
        assert all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(PolicySequence))


@given(st.lists(st.tuples(TOKENS, TOKENS), max_size=4))
def test_examples_come_out_as_they_went_in(pairs):
    sequences = [SftSequence(np.array([*p, *r]), len(p), f"example {len(r)}") for p, r in pairs]
    found = Shipment.of(sequences).unpacked()
    assert [(f.input_ids.tolist(), f.prompt_length, f.name) for f in found] == [
        (s.input_ids.tolist(), s.prompt_length, s.name) for s in sequences
    ]


def test_a_few_arrays_are_sent_however_many_sequences_there_are():
    sequences = [PolicySequence.of([1, 2], [3] * (n % 5 + 1), [0.1] * (n % 5 + 1), 0.5) for n in range(500)]
    buffers: list[pickle.PickleBuffer] = []
    pickle.dumps(Shipment.of(sequences), protocol=5, buffer_callback=buffers.append)
    assert len(buffers) < 20


def test_arrays_of_several_types_keep_theirs():
    kinds = [np.zeros(2, np.float32), np.ones(2, np.float64)]
    sequences = [PolicySequence(np.array([1, 2, 3]), 1, None, kind, np.ones(2, bool)) for kind in kinds]
    assert [s.advantages.dtype for s in Shipment.of(sequences).unpacked()] == [np.float32, np.float64]
