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
