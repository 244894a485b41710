"""Bundling, packing and balancing: nothing lost, nothing too wide, order recoverable, nobody sees too
much."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.learner.bundles import bundles
from psyche_rl.learner.packed_batch import collate
from psyche_rl.learner.packing import pack
from psyche_rl.learner.rank_split import split
from psyche_rl.learner.sequence import SftSequence

LENGTHS = st.lists(st.integers(2, 60), max_size=40)
GROUPS = st.lists(
    st.tuples(st.integers(1, 20), st.lists(st.integers(1, 12), min_size=1, max_size=5)),
    min_size=1,
    max_size=8,
)
"""Tokens of each prompt, and of each response to it."""


def sequences_of(groups):
    """Token ids all different, but for the prompts of a group."""
    made, next_id = [], 1
    for prompt, responses in groups:
        shared = np.arange(next_id, next_id + prompt)
        next_id += prompt
        for tokens in responses:
            made.append(SftSequence(np.concatenate([shared, np.arange(next_id, next_id + tokens)]), prompt))
            next_id += tokens
    return made


@given(LENGTHS, st.integers(2, 80), st.integers(2, 300))
def test_every_bundle_lies_in_one_row_of_allowed_width(lengths, row_tokens, micro_tokens):
    batches = pack(lengths, row_tokens, micro_tokens)
    assert sorted(i for b in batches for row in b.rows for i in row) == list(range(len(lengths)))
    for batch in batches:
        widths = [sum(lengths[i] for i in row) for row in batch.rows]
        assert max(widths) == batch.width
        assert all(w <= row_tokens or len(row) == 1 for w, row in zip(widths, batch.rows, strict=True))
        assert len(batch.rows) * batch.width <= micro_tokens or len(batch.rows) == 1


@given(GROUPS, st.integers(2, 60), st.booleans())
def test_bundles_hold_every_sequence_once_and_share_only_equal_prompts(groups, limit, shared):
    sequences = sequences_of(groups)
    made = bundles(sequences, limit, shared)
    assert sorted(i for b in made for i in b.members) == list(range(len(sequences)))
    for bundle in made:
        prompts = {tuple(sequences[i].input_ids[: sequences[i].prompt_length]) for i in bundle.members}
        assert len(prompts) == 1
        assert len(bundle.members) == 1 or (shared and bundle.tokens <= limit)
        assert bundle.tokens == bundle.prompt + sum(bundle.responses)
    if shared:  # a new copy of a prompt only where the next response did not fit any more
        for one, following in pairwise(made):
            first = following.members[0]
            if first - 1 in one.members and one.prompt == following.prompt:
                same = sequences[first].input_ids[0] == sequences[one.members[0]].input_ids[0]
                assert not same or one.tokens + following.responses[0] > limit


@given(GROUPS, st.integers(2, 80), st.integers(2, 300), st.booleans(), st.booleans())
def test_every_token_is_laid_out_once_and_order_comes_back(groups, row_tokens, micro_tokens, shared, one_row):
    sequences = sequences_of(groups)
    laid = bundles(sequences, row_tokens, shared)
    seen, members = [], []
    for micro in pack([b.tokens for b in laid], row_tokens, micro_tokens):
        batch = collate(sequences, laid, micro, torch.device("cpu"), one_row=one_row)
        seen += [t for t in batch.input_ids.flatten().tolist() if t]
        members += batch.members
        flat, positions = batch.input_ids.flatten(), batch.position_ids.flatten()
        own = np.concatenate(
            [np.arange(s.prompt_length, len(s.input_ids)) for s in map(sequences.__getitem__, batch.members)]
        )
        assert (positions[batch.predictors].numpy() == own - 1).all()  # the place before the target's
        for index, part, at in zip(
            batch.members,
            batch.split(batch.targets.numpy()),
            batch.split(batch.predictors.numpy()),
            strict=True,
        ):
            sequence = sequences[index]
            assert part.tolist() == sequence.input_ids[sequence.prompt_length :].tolist()
            assert flat[at].tolist() == sequence.input_ids[sequence.prompt_length - 1 : -1].tolist()
        padded = batch.per_sequence(batch.targets)
        assert padded.sum() == batch.targets.sum()
        assert [int((row > 0).sum()) for row in padded] == batch.lengths.tolist()
        assert batch.tokens == int((flat > 0).sum())
    assert sorted(members) == list(range(len(sequences)))
    assert len(seen) == sum(b.tokens for b in laid)


@given(GROUPS, st.integers(2, 80))
def test_a_token_sees_its_own_text_up_to_itself_and_nothing_else(groups, row_tokens):
    """Mask and segments, against what each sequence alone would see."""
    sequences = sequences_of(groups)
    laid = bundles(sequences, row_tokens, shared=True)
    texts = [s.input_ids.tolist() for s in sequences]
    for micro in pack([b.tokens for b in laid], row_tokens, 200):
        rows = collate(sequences, laid, micro, torch.device("cpu"), masked=True)
        assert rows.visible is not None
        for ids, seen in zip(rows.input_ids.tolist(), rows.visible[:, 0].tolist(), strict=True):
            for place, token in enumerate(ids):
                if token:
                    before = [t for t, s in zip(ids, seen[place], strict=True) if s]
                    assert before in [text[: len(before)] for text in texts if token in text]
                    assert before[-1] == token
        row = collate(sequences, laid, micro, torch.device("cpu"), one_row=True)
        assert row.segments is not None
        ids = row.input_ids[0]
        keys = ids if row.segments.keys is None else ids[row.segments.keys]
        ends = zip(row.segments.query_ends.tolist(), row.segments.query_ends.tolist()[1:], strict=False)
        key_ends = zip(row.segments.key_ends.tolist(), row.segments.key_ends.tolist()[1:], strict=False)
        for (q0, q1), (k0, k1) in zip(ends, key_ends, strict=True):
            assert keys[k0:k1].tolist()[-(q1 - q0) :] == ids[q0:q1].tolist()
            assert keys[k0:k1].tolist() in [text[: k1 - k0] for text in texts]
        assert row.segments.query_ends[-1] == len(ids)
        assert row.segments.longest_query == max(np.diff(row.segments.query_ends.numpy()))
        assert row.segments.longest_keys == max(np.diff(row.segments.key_ends.numpy()))


@given(LENGTHS, st.integers(1, 5))
def test_split_is_a_partition_and_even_to_one_sequence(lengths, ranks):
    parts = split(lengths, ranks)
    assert sorted(i for part in parts for i in part) == list(range(len(lengths)))
    loads = [sum(lengths[i] for i in part) for part in parts]
    assert max(loads) - min(loads) <= max(lengths, default=0)


def test_a_longer_sequence_gets_a_row_of_its_own():
    batches = pack([100, 10, 10], row_tokens=32, micro_batch_tokens=64)
    assert [(b.rows, b.width) for b in batches] == [(((0,),), 100), (((1, 2),), 20)]
    assert [b.rows for b in pack([5, 4, 4], row_tokens=0, micro_batch_tokens=5)] == [
        ((0,),),
        ((1,),),
        ((2,),),
    ]
