"""Verdicts without their texts, against a dictionary of lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.answering.verdict import by_question
from data_pipeline.answering.verdict_book import VerdictBook
from psyche_rl.records import Verdict


@st.composite
def verdicts(draw):
    answer = draw(st.sampled_from([None, "A", "BD"]))
    return Verdict(
        question_id=draw(st.sampled_from("pqr")), selector=draw(st.sampled_from(["one", "two"])),
        sample=draw(st.integers(0, 3)), text="", answer=answer, correct=answer == "A",
    )  # fmt: skip


@given(st.lists(verdicts(), max_size=20))
def test_a_book_gives_what_was_entered_question_by_question_in_order(given_):
    book, expected = VerdictBook(), by_question(given_)
    for verdict in given_:
        book.enter(verdict)
    assert {id_: list(book[id_]) for id_ in expected} == expected
    assert (len(book), "elsewhere" in book, book.get("elsewhere", ())) == (len(expected), False, ())
    assert all(id_ in book for id_ in expected)


def test_verdicts_may_be_entered_after_a_look():
    book = VerdictBook()
    first = Verdict(question_id="q", selector="s", sample=0, text="", answer="A", correct=True)
    book.enter(first)
    assert list(book["q"]) == [first]
    second = first.model_copy(update={"sample": 1, "answer": None, "correct": False})
    book.enter(second)
    assert list(book["q"]) == [first, second]
    with pytest.raises(TypeError, match="not kept"):
        list(book)
