"""Records that stay in their file, against a list of the same records."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyche_rl.errors import RunFolderError
from psyche_rl.records import Passage
from psyche_rl.store import RunStore, record_file
from psyche_rl.store.by_key import by_key
from psyche_rl.store.digests import DigestSet, NumberOf
from psyche_rl.store.record_file import RecordFile, written
from psyche_rl.store.stored_records import Joined, Mapped, StoredRecords, one_field, piece, replaced, where


def passage(n, text="文"):
    return Passage(id=f"p{n % 7}", text=f"{text}{n}", source="s", row=n)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(str(tmp_path_factory.mktemp("stored")))


@pytest.fixture(scope="module", params=["groups", "one group"])
def both(request, store):
    """Seventeen records as a list and in a file of one row group or of six."""
    records = [passage(n) for n in range(17)]
    rel = f"{request.param}.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_file, "ROW_GROUP", 3 if request.param == "groups" else 1024)
        return records, written(store, rel, Passage, iter(records))


@settings(max_examples=25)
@given(st.data())
def test_choosing_replacing_and_cutting_give_what_they_give_of_a_list(both, data):
    listed, stored = both
    for _ in range(data.draw(st.integers(0, 3))):
        if data.draw(st.booleans()):
            kept = data.draw(st.lists(st.booleans(), min_size=len(listed), max_size=len(listed)))
            listed, stored = where(listed, kept), where(stored, kept)
        else:
            at = data.draw(st.integers(0, len(listed))) if listed else 0
            places = {at: passage(at, "改")} if at < len(listed) else {}
            listed, stored = replaced(listed, places), replaced(stored, places)
    begin, end = data.draw(st.integers(0, 17)), data.draw(st.integers(0, 17))
    assert list(stored) == list(stored) == listed
    assert len(stored) == len(listed)
    assert list(piece(stored, begin, end)) == piece(listed, begin, end)
    assert list(one_field(stored, "text")) == list(one_field(listed, "text"))
    assert Passage.from_table(stored.table()) == listed
    found, expected = by_key(stored), by_key(listed)
    assert len(found) == len(listed)
    assert {key: found[key] for key in expected} == expected
    assert ("nowhere" in found, found.get("p9")) == (False, None)
    assert [r.row for r in found.all_of("p1")] == [r.row for r in listed if r.id == "p1"]


def test_several_files_and_what_is_made_of_records_are_gone_through_as_one(both):
    listed, stored = both
    twice = Joined(stored, Mapped(stored, lambda one: one.model_copy(update={"title": "t"})))
    assert len(twice) == 34
    assert [one.title for one in twice] == [None] * 17 + ["t"] * 17
    assert listed[3] in twice


def test_the_bytes_of_a_file_do_not_depend_on_how_it_was_filled(store):
    records = [passage(n) for n in range(2500)]
    written(store, "a.parquet", Passage, records)
    with RecordFile(store, "b.parquet", Passage) as file:
        for at in range(0, 2500, 700):
            file.write_records(records[at : at + 700])
    assert store.read_bytes("a.parquet") == store.read_bytes("b.parquet")
    with StoredRecords(store, "a.parquet", Passage).opened() as parquet:
        assert parquet.num_row_groups == 3


def test_what_is_missing_or_damaged_is_told_with_the_remedy(store):
    with pytest.raises(RunFolderError, match=r"gone\.parquet is missing; redo the stage"):
        list(StoredRecords(store, "gone.parquet", Passage))
    store.write_bytes("synth/bad.parquet", b"no parquet")
    with pytest.raises(RunFolderError, match=r"bad\.parquet is damaged.*--from synth"):
        list(StoredRecords(store, "synth/bad.parquet", Passage))


def test_a_file_that_is_cut_off_is_not_there(store):
    with pytest.raises(ZeroDivisionError):
        written(store, "cut.parquet", Passage, (passage(1 // n) for n in (1, 0)))
    assert not store.exists("cut.parquet")


def test_remote_folders_are_read_the_same_way():
    store = RunStore("memory://stored")
    records = [passage(n) for n in range(5)]
    stored = written(store, "r.parquet", Passage, records)
    assert list(stored) == records
    assert list(stored.column("row")) == [0, 1, 2, 3, 4]


@given(st.lists(st.text(max_size=3), max_size=20))
def test_digests_know_what_is_in_and_the_last_number_of_each(texts):
    known = DigestSet(texts)
    assert len(known) == len(set(texts))
    assert all(text in known for text in texts)
    assert "four" not in known
    numbers = NumberOf((text, n) for n, text in enumerate(texts))
    last = {text: n for n, text in enumerate(texts)}
    assert {text: numbers[text] for text in last} == last
    assert numbers.get("four", -1) == -1
