import json

import pytest
import yaml
from fake_llm import FakeLLM

from data_pipeline.domains import load_domain
from data_pipeline.ingest.posts import plain_dialogue
from data_pipeline.rows.mixed_records import from_mixed
from data_pipeline.synthesis.empathy import empathy_block, rewritten
from data_pipeline.synthesis.multi_turn import multi_turn_block, turns_of
from data_pipeline.synthesis.reply_filters import advice_kept, invented_term, reply_fault
from psyche_rl.config.synth import SynthConfig
from psyche_rl.llm import CallFailure, ChatReply
from psyche_rl.mini.cards import TEXTS
from psyche_rl.records import Dialogue, RowOutcome

DOMAIN = load_domain("psychology")
WORDS = DOMAIN.words.replies
SYNTH = SynthConfig()
PLAIN = plain_dialogue("我总是睡不着。", "睡前把要做的事写在纸上，早点睡。", "posts.txt")
WARM = "睡不着的夜晚一定很难熬。可以试着在睡前把要做的事写在纸上。"


def test_the_post_stays_and_the_reply_is_replaced():
    table = empathy_block(
        Dialogue.to_table([PLAIN]),
        synth=SYNTH,
        seed=0,
        llm=FakeLLM(lambda p, s: ChatReply(f"{WARM}😀", 1, 1)),
        domain=DOMAIN,
    )
    (found,), (ended,) = from_mixed(table, Dialogue), from_mixed(table, RowOutcome)
    assert found.kind == "empathetic"
    assert [m.content for m in found.messages] == ["我总是睡不着。", WARM]
    assert found.source_id == PLAIN.id
    assert (ended.row, ended.status, ended.gives) == (PLAIN.id, "ok", found.id)
    assert ended.prompt.startswith("empathy@")


@pytest.mark.parametrize("tags", ["<think>{}</think>", "<Thinking a='b'>{}</Thinking>\n", "{}</think>"])
def test_a_draft_reaches_no_dialogue(tags):
    draft = tags.format("先共情，再保留建议：写在纸上。")
    found, ended = rewritten(PLAIN, ChatReply(draft + WARM, 1, 1), SYNTH, DOMAIN)
    assert found.messages[1].content == WARM
    assert ended.status == "ok"
    said = [("user", "睡不着"), ("assistant", draft + WARM)] * 2
    turns = [{"role": role, "content": text} for role, text in said]
    assert [turn.content for turn in turns_of(json.dumps(turns))] == ["睡不着", WARM] * 2


@pytest.mark.parametrize(
    ("result", "status", "filter_"),
    [
        (CallFailure("timeout", "x"), "failed", None),
        (ChatReply("😀", 1, 1), "quarantined", None),
        (ChatReply(f"<think>先共情，再给建议。{WARM}", 1, 1), "quarantined", None),
        (ChatReply(f"<thinking a='b'>{WARM}</thinking>", 1, 1), "quarantined", None),
        (ChatReply("睡前把要做的事写在纸上,早点睡。", 1, 1), "filtered", "unchanged"),
        (ChatReply("睡前写在纸上", 1, 1), "filtered", "length"),
        (ChatReply("".join(f"第{n}天{WARM}" for n in range(100)), 1, 1), "filtered", "length"),
        (ChatReply(f"{WARM}这可能是焦虑症。", 1, 1), "filtered", "diagnosis"),
        (ChatReply("睡不着的夜晚一定很难熬，我在听你说。", 1, 1), "filtered", "advice"),
    ],
)
def test_other_replies_end_typed(result, status, filter_):
    (ended,) = rewritten(PLAIN, result, SYNTH, DOMAIN)
    assert (ended.status, ended.filter, ended.source) == (status, filter_, "posts.txt")


def test_a_diagnosis_that_was_named_before_may_be_named_again():
    assert invented_term("医生说我是抑郁症", "多休息。", "抑郁症不是你的错。", WORDS) is None
    assert invented_term("我很抑郁", "多休息。", "这是抑郁症。", WORDS) == "抑郁症"
    assert invented_term("", "", "焦虑的症状和障碍物都会过去。", WORDS) is None


def test_the_filters_tell_the_mini_worlds_own_replies_from_those_to_other_posts():
    posts = yaml.safe_load((TEXTS / "posts.yaml").read_text("utf-8"))
    bounds = SYNTH.advice_overlap, SYNTH.reply_chars
    assert all(reply_fault(p["post"], p["reply"], p["empathetic"], *bounds, WORDS) is None for p in posts)
    strange = [
        advice_kept(p["reply"], q["empathetic"], WORDS) < SYNTH.advice_overlap
        for p in posts
        for q in posts
        if p != q
    ]
    assert sum(strange) / len(strange) > 0.95


TURNS = [
    {"role": "user", "content": "我总是睡不着。"},
    {"role": "assistant", "content": "睡不着一定很难熬，是什么让你放不下呢？"},
    {"role": "user", "content": "总想着没做完的事。"},
    {"role": "assistant", "content": "可以试着在睡前把要做的事写在纸上。"},
]


def multi_turn(evidence='{"problems": []}', draft=TURNS, mended=TURNS):
    def answer(prompt, sample):
        if "【多轮求助】" in prompt:
            return draft if isinstance(draft, CallFailure) else ChatReply(json.dumps(draft), 1, 1)
        return ChatReply(evidence if "【核对对话】" in prompt else json.dumps(mended), 1, 1)

    llm = FakeLLM(answer)
    table = multi_turn_block(Dialogue.to_table([PLAIN]), synth=SYNTH, seed=0, llm=llm, domain=DOMAIN)
    return from_mixed(table, Dialogue), from_mixed(table, RowOutcome), llm


def test_a_conversation_without_problems_stays_as_drafted():
    (found,), (ended,), llm = multi_turn()
    assert [m.model_dump() for m in found.messages] == TURNS
    assert (found.kind, found.source_id, ended.gives) == ("empathetic", PLAIN.id, found.id)
    assert len(llm.asked) == 2


def test_problems_are_mended_before_it_is_kept():
    better = [*TURNS[:3], {"role": "assistant", "content": "可以把要做的事写在纸上，放到明天。"}]
    (found,), _, llm = multi_turn(evidence='{"problems": ["第2轮：没有依据"]}', mended=better)
    assert found.messages[3].content == better[3]["content"]
    assert "第2轮：没有依据" in llm.asked[2].messages[0][1]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"draft": CallFailure("timeout", "x")}, "failed"),
        ({"draft": TURNS[:3]}, "quarantined"),
        ({"draft": TURNS[::-1]}, "quarantined"),
        ({"evidence": "没有问题"}, "quarantined"),
        ({"draft": [*TURNS[:3], {"role": "assistant", "content": "这是焦虑症，写在纸上。"}]}, "filtered"),
    ],
)
def test_other_conversations_end_typed(changes, status):
    found, (ended,), _ = multi_turn(**changes)
    assert found == []
    assert (ended.row, ended.status) == (PLAIN.id, status)
