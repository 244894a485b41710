from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.questions.option_order import balanced, may_be_shuffled
from psyche_rl.records import Question

TEXTS = ("甲", "乙", "丙", "丁")


def ask(i, gold="A", options=TEXTS):
    kind = "single" if len(gold) == 1 else "multiple"
    return Question(id=f"q{i}", kind=kind, stem=f"问{i}", options=options, gold=gold, source="s")


def right(question):
    return {question.options["ABCDEFGH".index(letter)] for letter in question.gold}


@given(st.lists(st.sampled_from(["A", "B", "D", "AB", "ACD"]), max_size=40), st.integers(0, 3))
def test_no_letter_is_the_key_more_than_once_oftener_and_nothing_else_changes(golds, seed):
    questions = [ask(i, gold) for i, gold in enumerate(golds)]
    found = list(balanced(questions, seed))
    assert found == list(balanced(questions, seed))
    for before, after in zip(questions, found, strict=True):
        assert right(before) == right(after)
        assert (before.stem, sorted(before.options)) == (after.stem, sorted(after.options))
    used = Counter(q.gold for q in found if q.kind == "single")
    counts = [used[letter] for letter in "ABCD"]
    assert max(counts) - min(counts) <= 1


def test_options_that_speak_of_others_keep_their_order():
    fixed = ask(0, "D", ("甲", "乙", "丙", "以上都对"))
    assert not may_be_shuffled(fixed)
    assert not may_be_shuffled(ask(0, "C", ("甲", "乙", "A和B")))
    assert may_be_shuffled(ask(0, "A", ("A型人格", "B型人格", "焦虑", "抑郁")))
    found = list(balanced([fixed, *(ask(i) for i in range(1, 8))], 0))
    assert found[0] == fixed
    assert sorted(Counter(q.gold for q in found).values()) == [2, 2, 2, 2]


def test_ids_follow_the_options():
    (question,) = balanced([ask(0, "B")], 1)
    (again,) = balanced([question.model_copy(update={"id": "other"})], 1)
    assert question.id.startswith("question-")
    assert (again.id == question.id) == (again.options == question.options)


def test_another_seed_gives_other_orders():
    questions = [ask(i, "AC") for i in range(20)] + [ask(i, "B") for i in range(20, 40)]
    first, second = list(balanced(questions, 0)), list(balanced(questions, 1))
    for half in (slice(0, 20), slice(20, 40)):
        assert [q.options for q in first[half]] != [q.options for q in second[half]]
