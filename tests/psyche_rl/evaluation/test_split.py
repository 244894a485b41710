from hypothesis import given, settings
from hypothesis import strategies as st

from psyche_rl.evaluation.split import held_out_examples, sample_questions, split_dev_test
from psyche_rl.records import Message, Question, SftExample


def ask(i: int) -> Question:
    return Question(id=f"q{i}", kind="single", stem=f"题干{i}", options=("甲", "乙"), gold="A", source="t")


EXAM = [ask(i) for i in range(400)]


@settings(deadline=None)
@given(st.permutations(range(40)), st.integers(0, 5))
def test_order_and_company_do_not_move_a_question_across_the_split(order, seed):
    dev, test = split_dev_test(EXAM, 0.3, seed)
    some_dev, some_test = split_dev_test([EXAM[i] for i in order], 0.3, seed)
    assert {q.id for q in some_dev} <= {q.id for q in dev}
    assert {q.id for q in some_test} <= {q.id for q in test}
    assert len(some_dev) + len(some_test) == 40


def test_the_share_is_about_kept_and_the_seed_matters():
    dev, test = split_dev_test(EXAM, 0.3, 1)
    assert 80 < len(dev) < 160
    assert [q.id for q in dev] != [q.id for q in split_dev_test(EXAM, 0.3, 2)[0]]
    assert [q for q in EXAM if q in test] == test


def test_copies_of_a_question_stay_on_one_side():
    doubled = EXAM + [q.model_copy(update={"id": q.id + "'"}) for q in EXAM]
    dev, test = split_dev_test(doubled, 0.5, 0)
    assert not {q.stem for q in dev} & {q.stem for q in test}


def test_copies_in_another_order_and_spelling_stay_on_one_side():
    marked = [
        q.model_copy(update={"id": f"{q.id}'", "kind": "multiple", "stem": f"{q.stem}（ ）。", "gold": "AB",
                             "options": ("乙。", " 甲")})
        for q in EXAM
    ]  # fmt: skip
    dev, test = split_dev_test(EXAM + marked, 0.5, 0)
    assert not {q.id.strip("'") for q in dev} & {q.id.strip("'") for q in test}
    signs = [
        EXAM[0].model_copy(update={"stem": "选", "options": pair}) for pair in (("<", ">"), ("<=", ">="))
    ]
    sides = [[bool(split_dev_test([sign], n / 50, 0)[0]) for n in range(50)] for sign in signs]
    assert sides[0] != sides[1]  # no copies: marks are all that they differ in


def test_a_sample_keeps_order_and_size():
    chosen = sample_questions(EXAM, 50, 3)
    assert len(chosen) == 50
    assert [q for q in EXAM if q in chosen] == chosen
    assert sample_questions(EXAM, None, 3) == EXAM
    assert {q.id for q in sample_questions(EXAM[::-1], 50, 3)} == {q.id for q in chosen}


def test_a_sample_has_nothing_to_do_with_the_split():
    questions = [ask(i) for i in range(400)]
    for seed in range(3):
        dev, _ = split_dev_test(questions, 0.5, seed)
        sampled = sample_questions(questions, 200, seed)
        shared = {q.id for q in dev} & {q.id for q in sampled}
        assert 70 < len(shared) < 130  # with one salt for both it would be nearly all of dev


def chat(asked: str, reply: str, *more: str) -> SftExample:
    turns = [
        ("user", asked),
        ("assistant", reply),
        *zip(("user", "assistant") * len(more), more, strict=False),
    ]
    messages = tuple(Message(role=role, content=content) for role, content in turns)
    return SftExample(id=f"{asked}{reply}", kind="reasoning", messages=messages, source_id="q")


def test_copies_of_an_sft_example_are_held_out_together():
    asked = [f"单选题：题干{i}\nA.甲{i}\nB.乙" for i in range(200)]
    copies = [f"单选题：题干{i}。\nA. 乙\nB、甲{i}" for i in range(200)]
    first = list(held_out_examples([chat(text, "一") for text in asked], 0.3, 1))
    assert 40 < sum(first) < 85
    assert first == list(held_out_examples([chat(text, "二", "再问", "再答") for text in asked], 0.3, 1))
    assert first == list(held_out_examples([chat(text, "一") for text in copies], 0.3, 1))
    assert first[::-1] == list(held_out_examples([chat(text, "一") for text in reversed(asked)], 0.3, 1))
    assert first != list(held_out_examples([chat(text, "一") for text in asked], 0.3, 2))
    assert not any(held_out_examples([chat(text, "一") for text in asked], 0.0, 1))
