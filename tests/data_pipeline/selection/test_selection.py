from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.answering.verdict import by_question, can_be_judged, pass_rate
from data_pipeline.selection.hardness import hard_ids, is_hard, random_ids
from data_pipeline.selection.label_audit import suspects
from data_pipeline.selection.pass_rates import pass_rate_histogram, selector_accuracy
from data_pipeline.selection.sft_examples import sft_examples
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.records import Dialogue, Message, Question, Rationale, Verdict

SELECTORS = ("qwen2", "llama", "phi3")


def ask(i: int, gold: str = "A", kind: str = "single") -> Question:
    options = () if kind == "short" else ("甲", "乙", "丙", "丁")
    return Question(id=f"q{i}", kind=kind, stem=f"题干{i}", options=options, gold=gold, source="t")


def judged(question: Question, answers: list[str | None], samples: int = 2) -> list[Verdict]:
    """``answers``: selector by selector, sample by sample."""
    return [
        Verdict(
            question_id=question.id, selector=SELECTORS[i // samples], sample=i % samples, text=str(answer),
            answer=answer, correct=answer == question.gold,
        )
        for i, answer in enumerate(answers)
    ]  # fmt: skip


def reasoned(question: Question, round_: int = 0, text: str = "理由") -> Rationale:
    return Rationale(
        id=f"r-{question.id}-{round_}", question_id=question.id, prompt="p", text=text, answer=question.gold,
        round=round_, model="m",
    )  # fmt: skip


@given(st.lists(st.sampled_from([None, "A", "B", "C"]), min_size=6, max_size=6))
def test_hard_means_no_selector_was_ever_right(answers):
    question = ask(0)
    verdicts = by_question(judged(question, answers))
    assert hard_ids([question], verdicts) == (set() if "A" in answers else {"q0"})


@given(st.lists(st.booleans(), min_size=9, max_size=9))
def test_by_majority_a_selector_may_guess_right_now_and_then(hits):
    question = ask(0)
    verdicts = by_question(judged(question, ["A" if hit else "B" for hit in hits], samples=3))
    knows = [sum(hits[i : i + 3]) >= 2 for i in (0, 3, 6)]
    assert hard_ids([question], verdicts, "majority") == (set() if any(knows) else {"q0"})


def test_half_of_the_samples_are_no_majority():
    verdicts = judged(ask(0), ["A", "B", "B", "B", "A", "B"])
    assert is_hard(verdicts, "majority")
    assert not is_hard(verdicts, "all_wrong")


def test_an_unjudged_question_is_not_hard():
    assert hard_ids([ask(0)], {}) == set()
    assert not can_be_judged(ask(1, kind="short"))


def test_suspects_are_those_with_one_shared_wrong_answer():
    agreed, split, unread, right = (ask(i) for i in range(4))
    verdicts = by_question(
        judged(agreed, ["B"] * 6) + judged(split, ["B"] * 5 + ["C"]) + judged(unread, [None] * 6)
        + judged(right, ["A"] * 6)
    )  # fmt: skip
    assert suspects([agreed, split, unread, right], verdicts) == {"q0": "B"}


def test_sft_takes_the_last_accepted_rationale_and_only_empathetic_dialogues():
    questions = [ask(0), ask(1), ask(2)]
    rationales = [reasoned(ask(2), 1, "新"), reasoned(ask(2), 0, "旧"), reasoned(ask(0))]
    talk = (Message(role="user", content="我很难过"), Message(role="assistant", content="我在听"))
    dialogues = [Dialogue(id=k, kind=k, messages=talk, source="t") for k in ("plain", "empathetic")]
    examples = list(sft_examples(questions, rationales, dialogues, PromptConfig(instruction="")))
    assert [e.source_id for e in examples] == ["q0", "q2", "empathetic"]
    assert examples[1].messages[1].content == "<think>新</think>答案：A"
    assert examples[1].messages[0].content == "单选题：题干2\nA.甲\nB.乙\nC.丙\nD.丁"
    assert [e.kind for e in examples] == ["reasoning", "reasoning", "empathy"]


def test_pass_rates_and_accuracies_count_samples():
    single, multiple = ask(0), ask(1, gold="AB", kind="multiple")
    verdicts = by_question(judged(single, ["A", "A", "A", "B", None, "C"]) + judged(multiple, ["A"] * 6))
    histogram = pass_rate_histogram([single, multiple], verdicts)
    assert histogram == {"all": [[0.0, 1], [0.5, 1]], "single": [[0.5, 1]], "multiple": [[0.0, 1]]}
    accuracy = selector_accuracy([single, multiple], verdicts)
    assert accuracy["qwen2"] == {"single": 1.0, "multiple": 0.0, "all": 0.5}
    assert accuracy["phi3"]["single"] == 0.0


def test_the_random_split_keeps_the_share_and_follows_the_seed():
    questions = [ask(i) for i in range(100)] + [ask(100, kind="short")]
    drawn = random_ids(questions, 0.3, 7)
    assert len(drawn) == 30
    assert drawn == random_ids(questions[::-1], 0.3, 7)
    assert drawn != random_ids(questions, 0.3, 8)
    assert "q100" not in drawn


def test_by_pass_rate_hard_means_within_the_band_over_all_selectors():
    for answers, rate in (
        (["B"] * 6, 0.0),
        (["A", "B", "B", "B", "B", "B"], 1 / 6),
        (["A"] * 3 + ["B"] * 3, 0.5),
    ):
        verdicts = judged(ask(0), answers)
        assert pass_rate(verdicts) == rate
        assert is_hard(verdicts, "pass_rate", (0.0, 0.5))
        assert is_hard(verdicts, "pass_rate", (0.1, 0.4)) == (0.1 <= rate <= 0.4)
    assert not is_hard(judged(ask(0), ["A"] * 4 + ["B"] * 2), "pass_rate", (0.0, 0.5))
    assert not is_hard([], "pass_rate", (0.0, 1.0))
