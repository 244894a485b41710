"""The second reader for crises: it adds to the queue, takes nothing out, and a call that failed says so."""

import dataclasses
import json

import pytest
from fake_llm import FakeLLM
from map_in_process import map_in_process
from test_rows_lost import context_of, post

from data_pipeline.domains import load_domain
from data_pipeline.rows.mixed_records import from_mixed
from data_pipeline.synthesis import steps
from data_pipeline.synthesis.crisis_reader import check_prompt, crisis_block, flags_of, kinds_of
from data_pipeline.synthesis.steps import Synthesis
from psyche_rl.errors import ConfigError
from psyche_rl.llm import CallFailure, ChatReply
from psyche_rl.mini.teacher import reviewer
from psyche_rl.records import Dialogue, RowOutcome

DOMAIN = load_domain("psychology")


def said(kinds, words=""):
    return ChatReply(json.dumps({"kinds": kinds, "words": words}, ensure_ascii=False), 1, 1)


REPLIES = [
    said([]),
    said(["method", "fear"], "绳子买好了"),
    CallFailure("server_error", "HTTP 500"),
    ChatReply("没有危险。", 1, 1),
]


def a_reader(replies=REPLIES):
    return FakeLLM(lambda prompt, sample: next(r for n, r in enumerate(replies) if f"第{n}次" in prompt))


def test_each_post_ends_once_and_only_a_plain_no_is_ok():
    posts = [post(n) for n in range(4)]
    table = crisis_block(Dialogue.to_table(posts), seed=0, llm=a_reader(), domain=DOMAIN)
    ended = from_mixed(table, RowOutcome)
    assert [(o.row, o.status, o.filter) for o in ended] == [
        ("d0", "ok", None),
        ("d1", "filtered", "method"),
        ("d2", "failed", None),
        ("d3", "quarantined", None),
    ]
    flags = flags_of(ended)
    assert [(flag.record_id, flag.reason) for flag in flags] == [(f"d{n}", "crisis") for n in (1, 2, 3)]
    assert flags[0].note == "method, other: 绳子买好了, second reader"
    assert flags[1].note == "second reader without an answer: call failed: server_error: HTTP 500"
    assert flags[2].note.startswith("second reader without an answer: reply is not the JSON asked for")


def test_what_it_flags_waits_for_a_person_and_the_books_balance(tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "map_blocks", map_in_process)
    work = Synthesis(context_of(tmp_path), a_reader(), DOMAIN)
    posts = [post(n) for n in range(4)]
    kept, flags = work.read_again(posts)
    assert (kept, len(flags)) == (posts[:1], 3)
    counts = work.accounting.all_counts()
    reader, review = counts["crisis_reader"], counts["review.posts_read_again"]
    assert (reader.rows, reader.ok, reader.filtered, reader.failed, reader.quarantined) == (4, 1, 1, 1, 1)
    assert (review.rows, review.ok, review.filtered) == (4, 1, 3)


def test_a_reply_without_a_list_of_kinds_cannot_be_read():
    with pytest.raises(ValueError, match="no list of kinds"):
        kinds_of('{"kinds": "none"}')


def test_a_domain_without_the_prompt_is_told_before_anything_starts():
    check_prompt(DOMAIN)
    bare = dataclasses.replace(DOMAIN, prompts={"answer": ""})
    with pytest.raises(ConfigError, match=r"prompts/crisis\.j2"):
        check_prompt(bare)


def test_the_scripted_teacher_can_be_the_second_reader():
    prompt = DOMAIN.render("crisis", dialogue="求助者：他又打我了")
    assert kinds_of(reviewer.crisis(prompt)) == (("violence",), "求助者：他又打我了")
