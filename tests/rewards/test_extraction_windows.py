"""Extraction: how far a word before letters reaches, and verdicts that are taken back."""

import pytest

from rewards import extract_answer

OPTIONS = ("内隐记忆", "外显记忆", "感觉记忆", "工作记忆")
ENGLISH = ("implicit memory", "explicit memory", "sensory memory", "working memory")
FAR = "看" * 45


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("答案：B。之前选C。", "B"),
        (f"答案：B。之前{FAR[:25]}选C。", "C"),
        ("答案：B。如果题目改成别的选C。", "B"),
        (f"答案：B。如果{FAR}选C。", "C"),
        ("错所以C。", None),
        (f"错{FAR}所以C。", "C"),
        ("答案：A，还要选C", "AC"),
        (f"答案：A，还要{FAR[:8]}选C", "C"),
    ],
)
def test_a_word_reaches_so_far_and_no_farther(text: str, letters: str | None):
    assert extract_answer(text, OPTIONS).letters == letters


@pytest.mark.parametrize(
    ("word", "filler", "within", "beyond", "near"),
    [("之前", "看", 18, "C", "B"), ("如果", "看", 38, "C", "B"), ("为什么", "本题", 4, None, "A")],
)
def test_how_far_to_the_character(word, filler, within, beyond, near):
    """The words before an answer that are looked at: 20 for the past, 40 for a case, 12 for a why."""
    form = "{}要选A？因为它对。" if near == "A" else "答案：B。{}选C。"
    assert extract_answer(form.format(word + filler * within), OPTIONS).letters == near
    farther = word + filler * within + ("要" if near == "A" else filler)
    assert extract_answer(form.format(farther), OPTIONS).letters == beyond


def test_a_clause_that_denies_reaches_40_characters():
    assert extract_answer(f"错{'看' * 39}所以C。", OPTIONS).letters is None
    assert extract_answer(f"错{'看' * 40}所以C。", OPTIONS).letters == "C"


@pytest.mark.parametrize(
    ("text", "letters"),
    [("D正确，除D外都对。", "ABC"), ("A正确，D正确。除D外都对。", "ABC"), ("除了A，B也对。", "AB")],
)
def test_the_last_verdict_on_a_letter_holds(text: str, letters: str):
    assert extract_answer(text, OPTIONS).letters == letters


def test_texts_carry_their_letters_in_either_order():
    said = "The answer is implicit memory (option A) and sensory memory (option C)."
    assert extract_answer(said, ENGLISH).letters == "AC"
    assert extract_answer("答案：内隐记忆（选项A）、感觉记忆（选项C）", OPTIONS).letters == "AC"
    assert extract_answer("答案：A内隐记忆和C感觉记忆", OPTIONS).letters == "AC"
