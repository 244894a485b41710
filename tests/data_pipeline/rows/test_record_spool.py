"""Outcomes that pile up on the disk, and ids that are packed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.rows import id_bag, record_spool
from data_pipeline.rows.id_bag import IdBag
from data_pipeline.rows.record_spool import RecordSpool
from data_pipeline.rows.row_origin import RowOrigin
from psyche_rl.records import RowOutcome


def test_what_was_spilled_and_what_was_not_come_back_in_order_at_any_moment(monkeypatch):
    monkeypatch.setattr(record_spool, "HELD", 3)
    spool = RecordSpool(RowOutcome)
    outcomes = [RowOrigin("s", f"r{n}", "f", n).ok(rows_read=[f"x{n}"]) for n in range(11)]
    for count, outcome in enumerate(outcomes):
        assert (list(spool), len(spool)) == (outcomes[:count], count)
        spool.append(outcome)
    readers = [iter(spool), iter(spool)]
    assert [next(reader) for reader in readers * 2] == [outcomes[0], outcomes[0], outcomes[1], outcomes[1]]


ids = st.lists(st.sampled_from("abcd"), max_size=12)


@given(ids, ids)
def test_bags_are_equal_if_they_hold_the_same_equally_often(one, other):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(id_bag, "PACKED", 3)
        bag = IdBag(one)
        assert bag.equals(IdBag(other, texts=False)) == (sorted(one) == sorted(other))
        assert list(bag) == one
        gone = bag.without(IdBag(other))
        assert gone.total() == sum(max(0, one.count(x) - other.count(x)) for x in "abcd")
