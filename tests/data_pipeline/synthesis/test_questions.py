import json

import pytest
from fake_llm import FakeLLM

from data_pipeline.domains import load_domain
from data_pipeline.rows.mixed_records import from_mixed, to_mixed
from data_pipeline.synthesis.json_calls import Unreadable
from data_pipeline.synthesis.questions import keepers, plan, question_block, read_reply
from psyche_rl.config.synth import SynthConfig
from psyche_rl.llm import CallFailure, ChatReply
from psyche_rl.llm.json_reply import rows_in_reply
from psyche_rl.records import Message, Passage, Quarantined, Question, RowOutcome

DOMAIN = load_domain("psychology")
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


def read(call, *rows):
    """Questions of a reply and the outcomes of its rows; the call's own outcome comes first and is ok."""
    records = read_reply(call, rows_in_reply(reply(*rows).text))
    assert (records[0].stage, records[0].status) == ("questions.calls", "ok")
    return [r for r in records if isinstance(r, Question)], [
        r for r in records[1:] if isinstance(r, RowOutcome)
    ]


def test_calls_add_up_to_the_questions_wanted_and_all_differ():
    calls = plan(PASSAGE, SYNTH, DOMAIN)
    assert [(c.kind, c.count) for c in calls] == [
        ("single", 2),
        ("single", 2),
        ("single", 1),
        ("multiple", 2),
    ]
    keys = {c.request(FakeLLM(None).teacher, seed).key() for c in calls for seed in (0, 1)}
    assert len(keys) == 8


def test_a_sound_row_becomes_a_question_that_leads_back_to_its_passage():
    (question,), (ended,) = read(plan(PASSAGE, SYNTH, DOMAIN)[0], row(stem="单选题：1. 记忆包括（ ）"))
    assert (question.kind, question.stem, question.options, question.gold) == (
        "single", "记忆包括（ ）", ("编码", "跑步"), "A",
    )  # fmt: skip
    assert (question.passage_id, question.span, question.source) == ("p1", "记忆分为编码", "f.txt")
    assert (ended.status, ended.gives, ended.prompt) == ("ok", question.id, question.prompt_version)
    assert question.prompt_version.startswith("questions@")


@pytest.mark.parametrize(
    ("changes", "status", "names"),
    [
        ({"span": "记忆很重要"}, "span", "span"),
        ({"span": ""}, "span", "span"),
        ({"options": {"A": "编码", "B": "编 码"}}, "options", "distractor B equals the right option A"),
        ({"options": {"A": "编码", "B": "⼥", "C": "女"}}, "options", "options B and C are the same"),
        ({"gold": "C"}, None, "not among"),
        ({"gold": "AB"}, None, "single-choice"),
        ({"options": None}, None, "0 options"),
        ({"stem": None}, None, "stem"),
    ],
)
def test_an_unsound_row_ends_typed_with_its_place_and_the_others_stay(changes, status, names):
    questions, (bad, good) = read(plan(PASSAGE, SYNTH, DOMAIN)[0], row(**changes), row())
    assert (bad.status, bad.filter) == ("filtered" if status else "quarantined", status)
    assert (bad.source, bad.source_row, bad.row) == ("f.txt", 4, "p1/single/1/0")
    assert names in bad.reason
    assert [q.id for q in questions] == [good.gives]


def test_a_span_in_other_characters_is_found_and_kept_as_the_passage_spells_it():
    (question,), _ = read(plan(PASSAGE, SYNTH, DOMAIN)[0], row(span="编码, 储存"))
    assert question.span == "编码、储存"


def test_cases_and_short_answers_have_their_own_form():
    synth = SynthConfig(single_per_passage=0, multiple_per_passage=0, case_per_passage=1, short_per_passage=1)
    case, short = plan(PASSAGE, synth, DOMAIN)
    assert "案例选择题" in case.request(FakeLLM(None).teacher, 0).messages[0][1]
    (question,), _ = read(case, row(case="小王总是记不住单词。", gold="AB"))
    assert (question.kind, question.case, question.gold) == ("case", "小王总是记不住单词。", "AB")
    _, (ended,) = read(case, row())
    assert (ended.status, ended.reason) == ("quarantined", "the case is empty")
    (question,), _ = read(short, {"stem": "记忆有哪些阶段", "gold": ["编码", "储存"], "span": "编码"})
    assert (question.kind, question.options, question.gold) == ("short", (), "编码\n储存")


def test_golds_may_come_as_lists_or_under_answer():
    multiple = plan(PASSAGE, SYNTH, DOMAIN)[3]
    for changes in ({"gold": ["B", "A"]}, {"gold": None, "answer": "A、B"}):
        (question,), _ = read(multiple, row(**changes))
        assert question.gold == "AB"


def test_a_broken_reply_is_mended_once_and_each_call_ends_once():
    def answer(prompt, sample):
        if "多选题" in prompt:
            return CallFailure("timeout", "no reply")
        if "共 3 组" in prompt and "第 3 组" in prompt:
            return ChatReply("[{", 1, 1)
        return reply(row()) if "broken JSON" in prompt else ChatReply("[{", 1, 1)

    llm = FakeLLM(answer)
    table = question_block(Passage.to_table([PASSAGE]), synth=SYNTH, seed=0, llm=llm, domain=DOMAIN)
    assert len(from_mixed(table, Question)) == 2
    calls = [o for o in from_mixed(table, RowOutcome) if o.stage == "questions.calls"]
    assert [o.status for o in calls] == ["ok", "ok", "quarantined", "failed"]
    assert "JSON" in calls[2].reason
    assert "timeout: no reply" in calls[3].reason
    assert len(llm.asked) == 4 + 3
    assert {json.loads(request.schema)["name"] for request in llm.asked} == {"ChoiceQuestions"}
    assert [role for role, _ in llm.asked[-1].messages] == ["user", "assistant", "user"]


def test_what_could_not_be_read_is_kept_to_be_looked_at():
    (ended,) = read_reply(plan(PASSAGE, SYNTH, DOMAIN)[0], Unreadable("no JSON", "好的"))
    assert (ended.status, ended.content) == ("quarantined", "好的")


def test_repeats_are_found_whatever_the_order_of_options():
    def question(number, options, stem="问"):
        return Question(id=str(number), kind="single", stem=stem, options=options, gold="A", source="s")

    found = keepers(
        [
            question(1, ("甲", "乙")),
            question(2, ("乙", "甲")),
            question(3, ("甲", "丙")),
            question(4, ("甲", "乙"), "别"),
        ]
    )
    assert list(found) == [None, "1", None, None]


def test_outcomes_keep_kinds_apart_and_order_within_them():
    bad = Quarantined(stage="s", source="f", row=1, reason="r", content="c")
    table = to_mixed([PASSAGE, bad, PASSAGE], (Passage, Quarantined))
    assert from_mixed(table, Passage) == [PASSAGE, PASSAGE]
    assert from_mixed(table, Quarantined) == [bad]
    assert from_mixed(to_mixed([], (Passage,)), Passage) == []
    with pytest.raises(TypeError, match="Message"):
        to_mixed([Message(role="user", content="x")], (Passage,))
