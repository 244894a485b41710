import pytest
from fake_llm import FakeLLM

from data_pipeline.domains import load_domain
from data_pipeline.rows.mixed_records import from_mixed
from data_pipeline.synthesis.rationales import first_instruction, rationale_block, stated_answer
from psyche_rl.config.synth import SynthConfig
from psyche_rl.llm import CallFailure, ChatReply
from psyche_rl.mini import world
from psyche_rl.mini.cards import mini_cards, owners
from psyche_rl.questions.render import shown_to_teacher
from psyche_rl.records import Question, Rationale, RationaleRound, RowOutcome

DOMAIN = load_domain("psychology")
QUESTION = Question(
    id="q1", kind="multiple", stem="记忆包括", options=("编码", "储存", "跑步"), gold="AB", source="s"
)
BETTER = "请更仔细地逐项分析。"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A是 B否\n答案：A", ("A是 B否", "A")),
        ("先看A。\n答案：B、A。", ("先看A。", "AB")),
        ("分析\n**答案：ＡＢ**", ("分析", "AB")),
        ("分析\n正确答案是 C", ("分析", "C")),
        ("不选A，因为答案：D不对。\n再想想。", ("不选A，因为答案：D不对。\n再想想。", None)),
        ("没有结论", ("没有结论", None)),
        ("分析\n答案：", ("分析", None)),
        ("<think>A是\n答案：B</think>\n因为A是。\n答案：A", ("因为A是。", "A")),
        ("<Thinking a='b'>A是\n答案：B</Thinking>\n答案：A", ("", "A")),
        ("<think>A是，还没想完\n答案：A", ("", None)),
    ],
)
def test_the_answer_is_that_of_the_last_line(text, expected):
    assert stated_answer(text, ("编码", "储存", "提取", "跑步")) == expected


def test_the_key_is_in_no_prompt():
    assert "AB" not in shown_to_teacher(QUESTION) + first_instruction(QUESTION, DOMAIN)
    assert shown_to_teacher(QUESTION) == "多选题：记忆包括\nA.编码\nB.储存\nC.跑步"


def test_the_mini_worlds_rationale_comes_out_word_for_word():
    cards = mini_cards()
    for question in world.build_exam(cards, 0, 60, "dev"):
        scan = world.rationale(question, owners(cards))
        assert stated_answer(f"{scan}\n答案：{question.gold}", question.options) == (scan, question.gold)


def block(answer, rounds, questions=(QUESTION,), **settings):
    """Rationales, the outcomes of rows that gave none, the LLM, and all tries."""
    llm = FakeLLM(answer)
    synth = SynthConfig(rewrite_rounds=rounds, **settings)
    table = rationale_block(Question.to_table(questions), synth=synth, seed=0, llm=llm, domain=DOMAIN)
    ended = from_mixed(table, RowOutcome)
    assert sorted(o.row for o in ended) == sorted(q.id for q in questions)
    bad = [o for o in ended if o.status != "ok"]
    rationales = from_mixed(table, Rationale)
    assert [o.gives for o in ended if o.status == "ok"] == [r.id for r in rationales]
    return rationales, bad, llm, from_mixed(table, RationaleRound)


def teacher(first="A是\n答案：AB", rewrite=BETTER, then="B是\n答案：AB"):
    """Says ``first`` under the first prompt, ``rewrite`` when asked for another, ``then`` under that."""

    def answer(prompt, sample):
        if "【原提示】" in prompt:
            return rewrite if isinstance(rewrite, CallFailure) else ChatReply(rewrite, 1, 1)
        text = then if BETTER in prompt else first
        return text if isinstance(text, CallFailure) else ChatReply(text, 1, 1)

    return answer


def test_a_rewritten_prompt_that_still_leads_to_the_gold_is_accepted():
    (rationale,), bad, llm, tries = block(teacher(), rounds=1)
    assert (rationale.text, rationale.answer, rationale.round, rationale.prompt) == ("B是", "AB", 1, BETTER)
    assert bad == []
    assert len(llm.asked) == 3
    assert [(t.round, t.accepted, t.answer, t.prompt) for t in tries] == [
        (0, True, "AB", first_instruction(QUESTION, DOMAIN)), (1, True, "AB", BETTER),
    ]  # fmt: skip
    assert rationale.prompt_version == tries[0].prompt_version


@pytest.mark.parametrize(
    "changes",
    [
        {"then": "B是\n答案：A"},
        {"then": "没有结论"},
        {"then": "答案：AB"},
        {"then": CallFailure("timeout", "x")},
        {"rewrite": CallFailure("timeout", "x")},
        {"rewrite": "  "},
        {"rewrite": "长" * 3000},
        {"rewrite": f"<think>再仔细些。{BETTER}"},
    ],
)
def test_otherwise_the_old_prompt_and_rationale_stand(changes):
    (rationale,), bad, _, tries = block(teacher(**changes), rounds=1)
    assert (rationale.text, rationale.round, rationale.prompt) == (
        "A是",
        0,
        first_instruction(QUESTION, DOMAIN),
    )
    assert bad == []
    assert [t.accepted for t in tries] == [True, False]
    assert tries[1].why


def test_a_rewritten_prompt_comes_without_the_draft_of_it():
    (rationale,), _, _, _ = block(teacher(rewrite=f"<think>{'想' * 3000}</think>\n{BETTER}"), rounds=1)
    assert (rationale.round, rationale.prompt) == (1, BETTER)


def test_a_later_round_goes_on_from_what_was_accepted():
    prompts = []

    def answer(prompt, sample):
        if "【原提示】" in prompt:
            prompts.append(prompt)
            return ChatReply(f"提示{len(prompts)}", 1, 1)
        return ChatReply("理由\n答案：C" if "提示2" in prompt else "理由\n答案：AB", 1, 1)

    (rationale,), _, _, tries = block(answer, rounds=3)
    assert "提示1\n【原提示结束】" in prompts[1]
    assert "提示1\n【原提示结束】" in prompts[2]  # round 2 was wrong and reverted
    assert (rationale.prompt, rationale.round) == ("提示3", 3)
    assert [(t.round, t.accepted, t.answer) for t in tries] == [
        (0, True, "AB"), (1, True, "AB"), (2, False, "C"), (3, True, "AB"),
    ]  # fmt: skip


def test_patience_ends_the_polishing_of_a_question_that_does_not_get_better():
    _, _, llm, tries = block(teacher(then="B是\n答案：A"), rounds=5, rewrite_patience=2)
    assert [t.round for t in tries] == [0, 1, 2]
    assert len(llm.asked) == 1 + 2 * 2


@pytest.mark.parametrize(("prefers", "round_"), [("new", 1), ("old", 0), ("neither", 0)])
def test_the_gate_accepts_a_new_rationale_only_if_it_is_found_better(prefers, round_):
    plain = teacher()

    def answer(prompt, sample):
        if "【比较题目】" not in prompt:
            return plain(prompt, sample)
        new_first = prompt.index("B是") < prompt.index("A是\n【推理")
        word = {"new": "甲" if new_first else "乙", "old": "乙" if new_first else "甲", "neither": "丙"}[
            prefers
        ]
        return ChatReply(f'{{"better": "{word}"}}', 1, 1)

    (rationale,), _, _, tries = block(answer, rounds=1, rationale_gate=True)
    assert (rationale.round, tries[1].accepted) == (round_, round_ == 1)


def test_a_first_rationale_that_misses_the_gold_ends_it_as_teacher_wrong():
    rationales, (bad,), llm, (first,) = block(teacher(first="A是\n答案：A"), rounds=1)
    assert rationales == []
    assert (bad.status, bad.filter, bad.reason) == (
        "filtered",
        "teacher_wrong",
        "it answers A, the key is AB",
    )
    assert (first.answer, first.text, first.accepted) == ("A", "A是", False)
    assert len(llm.asked) == 1


def test_a_right_answer_without_reasoning_is_another_filter():
    _, (bad,), _, _ = block(teacher(first="答案：AB"), rounds=1)
    assert (bad.status, bad.filter) == ("filtered", "no_reasoning")


def test_a_failed_first_call_fails_its_question_and_no_other():
    rationales, bad, _, _ = block(teacher(first=CallFailure("timeout", "no reply")), rounds=1)
    assert rationales == []
    assert [(b.stage, b.row, b.status, b.reason) for b in bad] == [
        ("rationales", "q1", "failed", "call failed: timeout: no reply")
    ]


def test_kept_rationales_answer_the_gold_in_the_order_of_questions():
    questions = [QUESTION.model_copy(update={"id": f"q{i}", "stem": f"问{i}"}) for i in range(6)]

    def answer(prompt, sample):
        return ChatReply("理由\n答案：A" if "问2" in prompt or "问4" in prompt else "理由\n答案：BA", 1, 1)

    rationales, _, _, _ = block(answer, 0, questions)
    assert [r.question_id for r in rationales] == ["q0", "q1", "q3", "q5"]
