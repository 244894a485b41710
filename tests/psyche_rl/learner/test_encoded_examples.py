"""Encoded examples on the disk, against the lists that they were made of."""

import numpy as np
import pytest

from psyche_rl.learner.encoded_examples import ChosenExamples, EncodedExamples


def test_sequences_come_back_as_they_were_added_in_any_order_and_while_more_are_added():
    kept = EncodedExamples("select/sft.parquet")
    ids = [list(range(2, 9)), [5, 151_935, 0], [7, 7]]
    for row, tokens in zip((0, 1, 4), ids, strict=True):
        kept.add(tokens, 1 + row % 2, row)
        assert kept[len(kept) - 1].input_ids.tolist() == tokens
    assert [kept[at].input_ids.tolist() for at in (2, 0, -2)] == [ids[2], ids[0], ids[1]]
    assert [s.name for s in kept[1:]] == ["row 1 of select/sft.parquet", "row 4 of select/sft.parquet"]
    assert (kept[np.int64(1)].prompt_length, kept[0].input_ids.dtype) == (2, np.int64)
    assert len(list(kept)) == len(kept) == 3
    assert list(kept.rows) == [0, 1, 4]
    with pytest.raises(IndexError):
        kept[3]


def test_chosen_examples_are_those_at_the_places_given_by_number_and_by_slice():
    examples = ["a", "b", "c", "d"]
    chosen = ChosenExamples(examples, [3, 0, 2])
    assert (len(chosen), chosen[0], chosen[-1], list(chosen)) == (3, "d", "c", ["d", "a", "c"])
    assert chosen[:2] == ["d", "a"]
    assert chosen[::-1] == ["c", "a", "d"]
    with pytest.raises(IndexError):
        chosen[3]
