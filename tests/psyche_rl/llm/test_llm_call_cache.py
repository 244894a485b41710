"""The file of finished calls: what is in it, and that a failed write leaves nothing behind."""

import dataclasses
import json
import sqlite3

import pytest

from psyche_rl.llm import CallCache, CallFailure, ChatReply, ChatRequest
from psyche_rl.llm.call_cache import Answered, CallNote
from psyche_rl.llm.call_log import CallLog


def ask(text="问"):
    return ChatRequest("m", (("user", text),), 0.0, 16)


def test_a_call_without_a_note_is_one_try_of_its_own_model(tmp_path):
    cache = CallCache(tmp_path / "deep" / "calls.sqlite", clock=lambda: 7.0)
    cache.put(ask(), ChatReply("好", 3, 4))
    [call] = CallLog(tmp_path / "deep" / "calls.sqlite").calls()
    assert dataclasses.astuple(call) == (1, "", "m", "", "ok", "", 1, 0.0, 3, 4, 7.0)
    assert CallNote() == CallNote("", "", "", 1, 0.0, None)


def test_the_body_on_record_is_what_was_sent(tmp_path):
    cache = CallCache(tmp_path / "calls.sqlite")
    note = CallNote(model="m", body=b'{"sent": 1}')
    cache.put(ask("一"), ChatReply("好", 1, 1), note)
    cache.fail(ask("二"), CallFailure("timeout", "late"), note)
    cache.fail(ask("三"), CallFailure("timeout", "late"), CallNote())
    log = CallLog(tmp_path / "calls.sqlite")
    assert [log.whole(i).request for i in (1, 2)] == [{"sent": 1}] * 2
    assert log.whole(3).request == json.loads(ask("三").body())
    assert [cache.get(ask(text)) for text in "二三"] == [None, None]


def test_a_write_that_fails_in_the_middle_keeps_nothing_and_the_next_one_works(tmp_path):
    cache = CallCache(tmp_path / "calls.sqlite")
    whole = Answered(ask("一"), ChatReply("好", 1, 1), CallNote())
    broken = Answered(ask("二"), ChatReply("好", "many", {}), CallNote())  # no number
    with pytest.raises(sqlite3.Error):
        cache.put_many([whole, broken])
    assert len(cache) == 0
    assert CallLog(tmp_path / "calls.sqlite").calls() == []
    cache.put_many([whole])
    assert cache.get(ask("一")) == ChatReply("好", 1, 1, cached=True)


def test_a_write_is_seen_by_readers_at_once_and_survives_a_kill(tmp_path):
    cache = CallCache(tmp_path / "calls.sqlite")
    assert cache._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert cache._db.execute("PRAGMA synchronous").fetchone() == (1,)  # NORMAL


def test_closing_folds_the_log_into_the_file_also_while_it_is_read(tmp_path):
    cache = CallCache(tmp_path / "calls.sqlite")
    cache.put(ask(), ChatReply("好", 3, 4))
    log = CallLog(tmp_path / "calls.sqlite")
    assert len(log.calls()) == 1
    assert (tmp_path / "calls.sqlite-wal").stat().st_size > 0
    cache.close()
    assert (tmp_path / "calls.sqlite-wal").stat().st_size == 0
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        len(cache)
    log.close()
