"""Training sets of the user's own: what a row becomes, and what is set aside."""

import json

import pytest

from data_pipeline.selection.chat_examples import chat_examples
from data_pipeline.selection.own_sets import write_own_sets
from launch.stages import select
from psyche_rl.config import parse_config
from psyche_rl.errors import ConfigError, DataError
from psyche_rl.events import Events
from psyche_rl.records import Quarantined, Question, SftExample
from psyche_rl.run_context import StageContext
from psyche_rl.store import RunStore


def turns(*texts):
    roles = ("user", "assistant") * len(texts)
    return [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]


CHAT = {
    "messages": turns("睡不着。", "<think>先问多久</think>多久了？", "两周。", "<think>安抚</think>辛苦了。")
}


def written(path, *rows):
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines), "utf-8")
    return str(path)


def context(tmp_path, **data):
    config = parse_config({"run_dir": str(tmp_path / "run"), "data": data}, "test")
    store = RunStore(config.run_dir)
    return StageContext(config, store, Events(store))


def test_each_turn_of_the_assistant_is_an_example_after_answers_without_old_thoughts():
    first, second = chat_examples(CHAT)
    assert [m.content for m in first.messages] == ["睡不着。", "<think>先问多久</think>多久了？"]
    assert [m.content for m in second.messages] == [
        "睡不着。",
        "多久了？",
        "两周。",
        "<think>安抚</think>辛苦了。",
    ]
    assert first.source_id == second.source_id
    assert first.id != second.id
    assert {first.kind, second.kind} == {"reasoning"}
    assert chat_examples({"prompt": "睡不着。", "response": "多久了？"})[0].kind == "empathy"


def test_every_row_is_in_a_set_a_repeat_or_set_aside(tmp_path):
    chats = written(
        tmp_path / "chats.jsonl",
        CHAT,
        {"messages": turns("睡不着。")[:1]},
        {"messages": turns("睡不着。", "<think>想")},
        {"messages": turns("睡不着。", "嗯。", "谢谢。")},
        {"messages": [{"role": "therapist", "content": "你好"}, *turns("睡不着。")]},
        "no JSON",
        CHAT,
    )
    questions = written(
        tmp_path / "questions.jsonl",
        {"question": "按量表打分。", "gold": {"1": 2, "2": 0}},
        {"stem": "我很难过。"},
        {"question": "短时记忆的容量约为（ ）", "options": {"A": "7个组块", "B": "70个组块"}, "answer": "A"},
        {"question": "没有答案（ ）", "options": {"A": "是", "B": "否"}},
        {"gold": "无题"},
        {"question": "按量表打分。", "gold": {"1": 2, "2": 0}},
    )
    given = context(tmp_path, train_chats=chats, train_questions=questions)
    counts = select.run(given)
    assert counts == {"repeats": 2, "sft": 2, "grpo": 3, "quarantined": 7}
    kept = given.store.read_records("select/grpo.parquet", Question)
    assert [(q.kind, q.gold) for q in kept] == [("short", '{"1": 2, "2": 0}'), ("short", ""), ("single", "A")]
    assert len(given.store.read_records("select/sft.parquet", SftExample)) == 2
    aside = given.store.read_records("select/quarantine.parquet", Quarantined)
    reasons = " | ".join(f"{each.row}: {each.reason}" for each in aside)
    for told in (
        "2: no list of two turns", "3: turn 2: the reply has no answer",
        "4: the chat ends with the user's turn",
        "5: a turn is no {role, content}", "4: item 1: no key", "5: no text under question, stem, prompt",
    ):  # fmt: skip
        assert told in reasons


def test_a_file_with_nothing_to_train_on_ends_the_stage(tmp_path):
    chats = written(tmp_path / "chats.jsonl", {"text": "没有对话"})
    with pytest.raises(
        DataError, match=r"nothing to train on among 1 rows; the first reason: row 1: no list"
    ):
        write_own_sets(context(tmp_path, train_chats=chats))


def test_texts_to_synthesise_from_beside_sets_that_are_given_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"data\.passages.*nothing is synthesised where data\.train_chats"):
        context(tmp_path, passages="texts", train_chats="chats.jsonl")
