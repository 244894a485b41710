import sqlite3

import pytest

from psyche_rl.config.teacher import PriceConfig
from psyche_rl.llm import CallCache, CallFailure, ChatReply, ChatRequest
from psyche_rl.llm.call_cache import CallNote
from psyche_rl.llm.call_log import CallLog
from psyche_rl.llm.usage import Usage


def ask(text):
    return ChatRequest("m", (("user", text),), 0.0, 16)


def filled(path):
    cache = CallCache(path, clock=lambda: 7.0)
    cache.put(ask("甲"), ChatReply("好", 3, 4), CallNote("synth.questions", "m", "http://a/v1", 2, 0.5))
    cache.put(ask("乙"), ChatReply("行", 5, 6), CallNote("synth.empathy", "m", "http://a/v1"))
    lost = CallFailure("timeout", "no reply in 3 s")
    cache.fail(ask("丙"), lost, CallNote("synth.questions", "m", "http://a/v1", 6, 18.0))
    return cache


def test_calls_are_listed_by_stage_and_status(tmp_path):
    cache = filled(tmp_path / "calls.sqlite")
    log = CallLog(tmp_path / "calls.sqlite")  # while the cache is open
    assert [c.status for c in log.calls()] == ["ok", "ok", "timeout"]
    assert [c.id for c in log.calls(limit=2)] == [2, 3]
    assert [c.id for c in log.calls(stage="synth")] == [1, 2, 3]
    assert [c.id for c in log.calls(stage="synth.questions")] == [1, 3]
    assert log.calls(stage="syn") == []
    assert [c.id for c in log.calls(status="error")] == [3]
    assert [c.id for c in log.calls(status="timeout", stage="synth.empathy")] == []
    assert list(log.statuses().items()) == [("ok", 2), ("timeout", 1)]
    assert log.statuses("synth.empathy") == {"ok": 1}
    first = log.calls()[0]
    assert (first.attempts, first.seconds, first.time, first.endpoint) == (2, 0.5, 7.0, "http://a/v1")
    cache.close()


def test_one_call_is_seen_whole_also_where_it_failed(tmp_path):
    filled(tmp_path / "calls.sqlite").close()
    log = CallLog(tmp_path / "calls.sqlite")
    good, bad = log.whole(1), log.whole(3)
    assert good.request == ask("甲").payload()
    assert good.reply == "好"
    assert bad.request == ask("丙").payload()
    assert bad.reply is None
    assert bad.call.message == "no reply in 3 s"
    assert log.whole(4) is None


def test_usage_adds_up_by_stage_and_model(tmp_path):
    filled(tmp_path / "calls.sqlite").close()
    log = CallLog(tmp_path / "calls.sqlite")
    price = {"m": PriceConfig(prompt=1e6, completion=0.5e6)}
    assert log.usage(price) == [
        Usage("synth.empathy", "m", 1, 0, 5, 6, 8.0),
        Usage("synth.questions", "m", 1, 1, 3, 4, 5.0),
    ]
    assert log.usage({}, "synth.empathy") == [Usage("synth.empathy", "m", 1, 0, 5, 6, 0.0)]
    assert CallCache(tmp_path / "calls.sqlite").tokens() == {"m": (8, 10)}


def test_a_file_of_before_there_was_a_log_has_no_calls_and_still_answers(tmp_path):
    path = tmp_path / "calls.sqlite"
    filled(path).close()
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE log")
    log = CallLog(path)
    assert (log.calls(), log.usage({}), log.whole(1), log.statuses()) == ([], [], None, {})
    assert CallCache(path).get(ask("甲")) == ChatReply("好", 3, 4, cached=True)


def test_the_last_twenty_are_listed_and_the_file_is_only_read(tmp_path):
    cache = CallCache(tmp_path / "calls.sqlite")
    for number in range(22):
        cache.put(ask(str(number)), ChatReply("好", 1, 1))
    log = CallLog(tmp_path / "calls.sqlite")
    assert [c.id for c in log.calls()] == list(range(3, 23))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        log._db.execute("DELETE FROM log")
    log.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        log.calls()
