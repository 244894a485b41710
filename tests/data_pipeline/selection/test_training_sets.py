import pytest

from data_pipeline.answering.verdict import by_question
from data_pipeline.selection.label_audit import label_doubts
from data_pipeline.selection.training_sets import check_sets, verdict_tables
from psyche_rl.errors import RunFolderError
from psyche_rl.records import Dialogue, Message, Passage, Question, RationaleRound, SftExample, Verdict

TALK = (Message(role="user", content="u"), Message(role="assistant", content="a"))
PASSAGES = [Passage(id="p", text="材料", source="s", row=1)]
DIALOGUES = [Dialogue(id="d", kind="empathetic", messages=TALK, source="s")]


def ask(i, passage="p"):
    return Question(
        id=f"q{i}",
        kind="single",
        stem=f"问{i}",
        options=("甲", "乙"),
        gold="A",
        source="s",
        passage_id=passage,
    )


QUESTIONS = [ask(i) for i in range(4)] + [ask(4, None), ask(5, "gone")]


def example(source, kind="reasoning"):
    return SftExample(id=f"sft-{source}", kind=kind, messages=TALK, source_id=source)


def verdict(i, answer, selector="qwen", sample=0):
    return Verdict(
        question_id=f"q{i}", selector=selector, sample=sample, text="", answer=answer, correct=answer == "A"
    )


def check(grpo, sft):
    check_sets([QUESTIONS[i] for i in grpo], sft, QUESTIONS, DIALOGUES, PASSAGES)


def test_sound_sets_pass():
    check([0, 1], [example("q2"), example("q3"), example("d", "empathy")])


@pytest.mark.parametrize(
    ("grpo", "sft", "said"),
    [
        ([0, 1], ["q1"], "question q1 .* both the SFT and the GRPO set"),
        ([0, 0], [], "grpo.parquet: question q0 .* more than once"),
        ([], ["q1", "q1"], "sft.parquet: question q1 .* more than once"),
        ([4], [], "question q4 rests on passage None"),
        ([], ["q5"], "question q5 rests on passage gone"),
        ([], ["q9"], "question q9, which synth/questions.parquet lacks"),
    ],
)
def test_others_are_refused_with_the_record_and_the_remedy(grpo, sft, said):
    with pytest.raises(RunFolderError, match=said) as caught:
        check(grpo, [example(id_) for id_ in sft])
    assert "--from synth" in str(caught.value)


def test_a_dialogue_that_nobody_knows_is_refused():
    with pytest.raises(RunFolderError, match="dialogue e"):
        check([], [example("e", "empathy")])


def test_the_table_shows_each_selectors_answers_and_the_set():
    verdicts = [verdict(0, "A"), verdict(0, None, sample=1), verdict(0, "B", "phi"), verdict(1, "B")]
    (table,) = verdict_tables(QUESTIONS[:3], by_question(verdicts), {"grpo": {"q1"}, "sft": {"q0"}})
    rows = table.to_pylist()
    assert [row["set"] for row in rows] == ["sft", "grpo", "none"]
    assert rows[0]["right"] == ["qwen: 1/2", "phi: 0/1"]
    assert rows[0]["answers"] == ["qwen: A -", "phi: B"]
    assert [row["pass_rate"] for row in rows] == [pytest.approx(1 / 3), 0.0, None]


def test_a_key_is_doubtful_where_selectors_agree_against_it_or_the_teacher_missed_it():
    def missed(i, answer):
        return RationaleRound(
            question_id=f"q{i}", round=0, prompt="p", text="t", answer=answer, accepted=False, why="w",
            prompt_version="v", model="m",
        )  # fmt: skip

    verdicts = by_question(
        [verdict(0, "B"), verdict(0, "B", "phi"), verdict(1, "B"), verdict(1, "A", "phi"), verdict(2, "A")]
    )
    doubts = label_doubts(QUESTIONS, verdicts, [missed(0, "B"), missed(2, None)], {"q0"})
    assert [(d.question_id, d.reasons, d.hard) for d in doubts] == [
        ("q0", ("selectors_agree", "teacher_wrong"), True),
        ("q2", ("teacher_wrong",), False),
    ]
    assert doubts[0].note == "the key is A; every selector answers B; the teacher answers B"
    assert doubts[1].note == "the key is A; the teacher states no answer"
