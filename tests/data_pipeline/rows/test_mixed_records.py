"""Records of several kinds in one table."""

import pytest

from data_pipeline.rows.mixed_records import column_of, from_mixed, places_of, to_mixed
from psyche_rl.records import Message, Passage, Quarantined

PASSAGE = Passage(id="p", text="文", source="s", row=1)
BAD = [Quarantined(stage="s", source="f", row=n, reason="no text", content="") for n in (1, 2)]


def test_records_come_back_by_kind_and_in_order():
    table = to_mixed([BAD[0], PASSAGE, BAD[1]], (Passage, Quarantined))
    assert table.column_names == ["Passage", "Quarantined"]
    assert table.num_rows == 3
    assert from_mixed(table, Passage) == [PASSAGE]
    assert from_mixed(table, Quarantined) == BAD


def test_no_records_make_a_table_of_the_same_columns():
    empty = to_mixed([], (Passage, Quarantined))
    assert empty.schema == to_mixed([PASSAGE], (Passage, Quarantined)).schema
    assert from_mixed(empty, Passage) == []


def test_a_record_of_another_kind_is_refused():
    with pytest.raises(TypeError, match=r"Message is not among \['Passage'\]"):
        to_mixed([Message(role="user", content="u")], (Passage,))


def test_the_places_of_a_kind_are_told():
    table = to_mixed([BAD[0], PASSAGE, BAD[1]], (Passage, Quarantined))
    assert places_of(table, Quarantined) == [0, 2]
    assert places_of(table, Passage) == [1]


def test_the_rows_of_a_kind_stand_in_their_column_in_order():
    table = to_mixed([BAD[0], PASSAGE, BAD[1]], (Passage, Quarantined))
    for kind in (Passage, Quarantined):
        assert [kind.model_validate(row) for row in column_of(table, kind).to_pylist()] == from_mixed(
            table, kind
        )
