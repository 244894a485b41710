"""Packing and balancing: nothing lost, nothing too wide, order recoverable."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.learner.packed_batch import collate
from psyche_rl.learner.packing import pack
from psyche_rl.learner.rank_split import split
from psyche_rl.learner.sequence import SftSequence

LENGTHS = st.lists(st.integers(2, 60), max_size=40)


@given(LENGTHS, st.integers(2, 80), st.integers(2, 300))
def test_every_sequence_lies_in_one_row_of_allowed_width(lengths, row_tokens, micro_tokens):
    batches = pack(lengths, row_tokens, micro_tokens)
    assert sorted(i for b in batches for i in b.members) == list(range(len(lengths)))
    for batch in batches:
        widths = [sum(lengths[i] for i in row) for row in batch.rows]
        assert max(widths) == batch.width
        assert all(w <= row_tokens or len(row) == 1 for w, row in zip(widths, batch.rows, strict=True))
        assert len(batch.rows) * batch.width <= micro_tokens or len(batch.rows) == 1


@given(LENGTHS.filter(bool), st.integers(2, 80), st.integers(2, 300), st.booleans())
def test_every_token_is_laid_out_once_and_order_comes_back(lengths, row_tokens, micro_tokens, one_row):
    starts = np.cumsum([0, *lengths])
    sequences = [
        SftSequence(np.arange(start + 1, start + 1 + n), 1 + k % (n - 1))  # every token id is unique
        for k, (start, n) in enumerate(zip(starts, lengths, strict=False))
    ]
    seen: list[int] = []
    for micro in pack(lengths, row_tokens, micro_tokens):
        batch = collate(sequences, micro, one_row, torch.device("cpu"))
        seen += [t for t in batch.input_ids.flatten().tolist() if t]
        flat = batch.input_ids.flatten()
        assert torch.equal(flat[batch.predictors] + 1, batch.targets)  # the token before, same sequence
        for index, part in zip(batch.members, batch.split(batch.targets.numpy()), strict=True):
            assert part.tolist() == sequences[index].input_ids[sequences[index].prompt_length :].tolist()
            first = int((flat == int(sequences[index].input_ids[0])).nonzero())
            here = batch.position_ids.flatten()[first : first + lengths[index]]
            assert here.tolist() == list(range(lengths[index]))
        padded = batch.per_sequence(batch.targets)
        assert padded.sum() == batch.targets.sum()
        assert [int((row > 0).sum()) for row in padded] == batch.lengths.tolist()
    assert sorted(seen) == list(range(1, int(starts[-1]) + 1))


@given(LENGTHS, st.integers(1, 5))
def test_split_is_a_partition_and_even_to_one_sequence(lengths, ranks):
    parts = split(lengths, ranks)
    assert sorted(i for part in parts for i in part) == list(range(len(lengths)))
    loads = [sum(lengths[i] for i in part) for part in parts]
    assert max(loads) - min(loads) <= max(lengths, default=0)


def test_a_longer_sequence_gets_a_row_of_its_own():
    batches = pack([100, 10, 10], row_tokens=32, micro_batch_tokens=64)
    assert [(b.rows, b.width) for b in batches] == [(((0,),), 100), (((1, 2),), 20)]
