import json

import pytest
from fake_llm import FakeLLM

from data_pipeline.outcomes import from_outcomes, to_outcomes
from data_pipeline.questions import plan, question_block, read_reply, without_repeats
from psyche_rl.config.synth import SynthConfig
from psyche_rl.llm import CallFailure, ChatReply
from psyche_rl.records import Message, Passage, Quarantined, Question

PASSAGE = Passage(id="p1", text="记忆分为编码、储存、提取。", title="记忆", source="f.txt", row=4)
SYNTH = SynthConfig(single_per_passage=5, multiple_per_passage=2, questions_per_call=2)


def row(**changes):
    sound = {
        "stem": "记忆包括（ ）",
        "options": {"A": "编码", "B": "跑步"},
        "gold": "A",
        "span": "记忆分为编码",
    }
    return sound | changes


def reply(*rows):
    return ChatReply(json.dumps(rows, ensure_ascii=False), 1, 1)


def test_calls_add_up_to_the_questions_wanted_and_all_differ():
    calls = plan(PASSAGE, SYNTH)
    assert [(c.kind, c.count) for c in calls] == [
        ("single", 2),
        ("single", 2),
        ("single", 1),
        ("multiple", 2),
    ]
    keys = {
        c.request(FakeLLM(None).teacher, seed, ask).key() for c in calls for seed in (0, 1) for ask in (0, 1)
    }
    assert len(keys) == 16


def test_a_sound_row_becomes_a_question_that_leads_back_to_its_passage():
    records, readable = read_reply(plan(PASSAGE, SYNTH)[0], reply(row(stem="单选题：1. 记忆包括（ ）")))
    assert readable
    (question,) = records
    assert (question.kind, question.stem, question.options, question.gold) == (
        "single", "记忆包括（ ）", ("编码", "跑步"), "A",
    )  # fmt: skip
    assert (question.passage_id, question.span, question.source) == ("p1", "记忆分为编码", "f.txt")


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"span": "记忆很重要"}, "span"),
        ({"span": ""}, "span"),
        ({"gold": "C"}, "not among"),
        ({"gold": "AB"}, "single-choice"),
        ({"options": {"A": "编码", "B": "编码"}}, "the same"),
        ({"options": None}, "0 options"),
        ({"stem": None}, "stem"),
    ],
)
def test_an_unsound_row_is_quarantined_with_its_place_and_the_others_stay(changes, names):
    records, _ = read_reply(plan(PASSAGE, SYNTH)[0], reply(row(**changes), row()))
    assert isinstance(records[0], Quarantined)
    assert (records[0].source, records[0].row) == ("f.txt", 4)
    assert names in records[0].reason
    assert isinstance(records[1], Question)


def test_golds_may_come_as_lists_or_under_answer():
    multiple = plan(PASSAGE, SYNTH)[3]
    for changes in ({"gold": ["B", "A"]}, {"gold": None, "answer": "A、B"}):
        (question,), _ = read_reply(multiple, reply(row(**changes)))
        assert question.gold == "AB"


def test_a_broken_reply_is_asked_for_once_more_and_each_failure_is_kept_on_record():
    def answer(prompt, sample):
        if "多选题" in prompt:
            return CallFailure("timeout", "no reply")
        return ChatReply("[{", 1, 1) if sample % 2 == 0 else reply(row())

    llm = FakeLLM(answer)
    table = question_block(Passage.to_table([PASSAGE]), synth=SYNTH, seed=0, llm=llm)
    assert len(from_outcomes(table, Question)) == 3
    reasons = [q.reason for q in from_outcomes(table, Quarantined)]
    assert sum("JSON" in r for r in reasons) == 3
    assert sum("timeout" in r for r in reasons) == 1
    assert len(llm.asked) == 4 + 3


def test_repeats_are_found_whatever_the_order_of_options():
    def question(number, options, stem="问"):
        return Question(id=str(number), kind="single", stem=stem, options=options, gold="A", source="s")

    found = without_repeats(
        [
            question(1, ("甲", "乙")),
            question(2, ("乙", "甲")),
            question(3, ("甲", "丙")),
            question(4, ("甲", "乙"), "别"),
        ]
    )
    assert [q.id for q in found] == ["1", "3", "4"]


def test_outcomes_keep_kinds_apart_and_order_within_them():
    bad = Quarantined(stage="s", source="f", row=1, reason="r", content="c")
    table = to_outcomes([PASSAGE, bad, PASSAGE], (Passage, Quarantined))
    assert from_outcomes(table, Passage) == [PASSAGE, PASSAGE]
    assert from_outcomes(table, Quarantined) == [bad]
    assert from_outcomes(to_outcomes([], (Passage,)), Passage) == []
    with pytest.raises(TypeError, match="Message"):
        to_outcomes([Message(role="user", content="x")], (Passage,))
