"""Posts and replies in the layouts that are about."""

import json

import pytest

from data_pipeline.ingest import ingest_posts
from data_pipeline.ingest.exchanges import exchanges_of
from psyche_rl.config.data import DataConfig

POST, REPLY = "最近总是失眠。", "可以做放松训练。"
PAIR = [(POST, REPLY)]
ASK, SAID = {"role": "user", "content": POST}, {"role": "assistant", "content": REPLY}

SHAPES = {
    "post and reply": {"post": POST, "reply": REPLY},
    "capitals": {"Context": POST, "Response": REPLY},
    "prompt and completion": {"prompt": POST, "completion": REPLY},
    "alpaca": {"instruction": POST, "input": "", "output": REPLY},
    "alpaca with a task": {"instruction": "你是一位心理咨询师，请回答。", "input": POST, "output": REPLY},
    "answers": {"question": POST, "answers": [{"answer_text": REPLY}]},
    "answers as text": {"question": POST, "answers": [REPLY]},
    "messages": {"messages": [{"role": "system", "content": "你是咨询师"}, ASK, SAID]},
    "content in parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": POST}]}, SAID]},
    "strings in parts": {"messages": [{"role": "user", "content": [POST]}, SAID]},
    "share gpt": {"conversations": [{"from": "human", "value": POST}, {"from": "gpt", "value": REPLY}]},
    "therapist": {"dialogue": [{"role": "Client", "content": POST}, {"role": "Therapist", "content": REPLY}]},
    "seeker": {
        "dialog": [{"speaker": "seeker", "content": POST}, {"speaker": "supporter", "content": REPLY}]
    },
    "input and output": {"conversation": [{"system": "你是…", "input": POST, "output": REPLY}]},
    "human and assistant": {"conversations": [{"human": POST, "assistant": REPLY}]},
    "written turns": {"dialogue": f"来访者：{POST}\n心理咨询师：{REPLY}"},
    "list of written turns": {"dialogue": [f"来访者：{POST}", f"咨询师：{REPLY}"]},
    "English turns": f"Client: {POST}\nTherapist: {REPLY}",
    "a think block": {"post": POST, "reply": f"<think>先共情</think>{REPLY}"},
    "lists of turns": {"prompt": [ASK], "completion": [SAID]},
    "preferences": {
        "prompt": [ASK],
        "chosen": [SAID],
        "rejected": [{"role": "assistant", "content": "别想了"}],
    },
    "roles as keys": {"id": 1, "user": POST, "assistant": REPLY},
    "turns in a text": {"text": f"用户：{POST}\n助手：{REPLY}"},
    "turns in a mapping": {"dialogue": {"turns": [ASK, SAID]}},
    "Chinese keys": {"问题": POST, "回答": REPLY},
    "empty history": {"instruction": POST, "input": "", "output": REPLY, "history": []},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_one_pair_each(shape):
    found = exchanges_of(SHAPES[shape])
    assert [(post.strip(), reply.strip()) for post, reply in found] == PAIR


def test_the_description_belongs_to_the_post():
    row = {"question": "失眠怎么办", "description": "持续三个月。", "answer": REPLY}
    assert exchanges_of(row) == [("失眠怎么办\n持续三个月。", REPLY)]
    assert exchanges_of({"instruction": "失眠怎么办", "input": "持续三个月。", "output": REPLY}) == [
        ("失眠怎么办\n持续三个月。", REPLY)
    ]


MANY = [("一", "甲"), ("二\n三", "乙\n丙"), ("四", "丁")]


def test_a_long_conversation_gives_as_many_exchanges_as_are_asked_for(tmp_path):
    turns = [("user", "一"), ("assistant", "甲"), ("user", "二"), ("user", "三"), ("assistant", "乙"),
             ("assistant", "丙"), ("user", "四"), ("assistant", "丁"), ("user", "再见")]  # fmt: skip
    row = {"messages": [{"role": role, "content": text} for role, text in turns]}
    assert exchanges_of(row) == MANY
    history = {"history": [["一", "甲"]], "instruction": "二", "output": "乙"}
    assert exchanges_of(history) == [("一", "甲"), ("二", "乙")]
    several = {"question": "一", "answers": [{"answer_text": "甲"}, {"answer_text": "乙"}]}
    assert exchanges_of(several) == [("一", "甲"), ("一", "乙")]
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False), "utf-8")
    for wanted, count in ((1, 1), (2, 2), (9, 3)):
        dialogues, bad = ingest_posts(str(path), DataConfig(exchanges=wanted))
        assert [d.messages[0].content[0] for d in dialogues] == list("一二四")[:count]
        assert {d.row for d in dialogues} == {1}
        assert bad == []


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"post": POST}, "no reply in the row"),
        ({"reply": REPLY}, "no post in the row"),
        ({"messages": [ASK]}, "no reply in the row"),
        ({"messages": [SAID, ASK]}, "no reply in the row"),
        (
            {"messages": [{"role": "小明", "content": POST}]},
            "no post in the row; nobody is known by the name 小明",
        ),
        ({"post": POST, "reply": "<think>还没想完"}, "no reply in the row"),
        ("没有说话人的文字", "no post in the row"),
    ],
)
def test_a_row_without_an_exchange_says_why(row, why):
    assert exchanges_of(row) == why
