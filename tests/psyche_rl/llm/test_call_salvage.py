"""A damaged call cache: set aside, what can be read is used, the rest is asked again."""

import random
import sqlite3

import pytest

from psyche_rl.llm import CallCache, CallFailure, ChatReply, ChatRequest
from psyche_rl.llm.call_cache import CallNote

MANY = 300


def ask(number):
    return ChatRequest("m", (("user", f"第{number}题"),), 0.0, 16)


def reply(number):
    return ChatReply(f"答{number}" * 100, 10, 20)


@pytest.fixture
def cache_file(tmp_path):
    cache = CallCache(tmp_path / "calls.sqlite", clock=lambda: 1.0)
    for number in range(MANY):
        cache.put(ask(number), reply(number), CallNote("synth", "m"))
    cache.fail(ask(MANY), CallFailure("timeout", "late"), CallNote("synth", "m"))
    cache.close()
    return tmp_path / "calls.sqlite"


def known(cache):
    """Which replies are there; each must be the one that was kept."""
    found = [(n, cache.get(ask(n))) for n in range(MANY)]
    return [n for n, kept in found if kept is not None and kept.text == reply(n).text]


def flip(file, places, seed=0):
    data = bytearray(file.read_bytes())
    for place in places:
        data[place % len(data)] ^= 1 << random.Random(seed + place).randrange(8)
    file.write_bytes(data)


def test_a_whole_file_is_left_alone(cache_file):
    cache = CallCache(cache_file)
    assert (cache.damage, known(cache)) == (None, list(range(MANY)))
    assert list(cache_file.parent.glob("*damaged*")) == []
    cache.close()


@pytest.mark.parametrize(("page", "least"), [(20, MANY - 30), (45, MANY // 2)], ids=["leaf", "inner page"])
def test_a_page_that_is_overwritten_costs_what_hangs_on_it(cache_file, page, least):
    data = bytearray(cache_file.read_bytes())
    data[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    cache_file.write_bytes(data)
    cache = CallCache(cache_file)
    kept = known(cache)
    assert "is damaged" in cache.damage
    assert f"{len(cache)} finished calls" in cache.damage
    assert least <= len(kept) < MANY
    assert (cache_file.parent / "calls.sqlite.damaged-1").read_bytes() == bytes(data)
    cache.put(ask(0), reply(0))  # it is in use
    cache.close()
    again = CallCache(cache_file)
    assert again.damage is None
    again.close()


def test_without_its_first_page_the_rest_is_read(cache_file):
    cache_file.write_bytes(bytes(4096) + cache_file.read_bytes()[4096:])
    cache = CallCache(cache_file)
    assert "not a database" in cache.damage
    assert known(cache) == list(range(MANY))
    assert sorted(file.name for file in cache_file.parent.glob("*.tmp*")) == []
    cache.close()


def test_flipped_bits_never_stop_a_run(cache_file):
    whole = cache_file.read_bytes()
    for seed in range(8):
        cache_file.write_bytes(whole)
        places = random.Random(seed)
        flip(cache_file, [places.randrange(len(whole)) for _ in range(40)], seed)
        cache = CallCache(cache_file)
        assert len(known(cache)) <= MANY
        cache.put(ask(1), reply(1))
        cache.close()


def other_program(file):
    file.unlink()
    db = sqlite3.connect(file)
    db.execute("CREATE TABLE bookmarks (url TEXT)")
    db.commit()
    db.close()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda file: file.write_bytes(b"PK\x03\x04 no database" * 1000), "not a database"),
        (lambda file: file.write_bytes(file.read_bytes()[:5000]), "malformed"),
        (other_program, "another program: tables bookmarks"),
    ],
)
def test_a_foreign_or_cut_file_is_set_aside_whole(cache_file, spoil, why):
    spoil(cache_file)
    before = cache_file.read_bytes()
    cache = CallCache(cache_file)
    assert why in cache.damage
    assert "0 finished calls" in cache.damage
    cache.close()
    assert (cache_file.parent / "calls.sqlite.damaged-1").read_bytes() == before


def test_an_empty_file_is_a_new_cache(tmp_path):
    (tmp_path / "calls.sqlite").touch()
    cache = CallCache(tmp_path / "calls.sqlite")
    assert (cache.damage, len(cache)) == (None, 0)
    cache.close()


def test_a_reply_whose_text_is_damaged_is_asked_again(cache_file):
    db = sqlite3.connect(cache_file)
    db.execute("UPDATE calls SET reply = CAST(X'E7AD94FF' AS TEXT)")
    db.commit()
    db.close()
    cache = CallCache(cache_file)
    assert cache.get(ask(1)) is None
    cache.close()
