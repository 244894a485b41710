"""Replies of the blind batches, and further forms of the kinds that their tuned halves showed.

``batches/batch_N.jsonl`` were written from docs/extraction.md alone; of 11 to 13 all rows are tuned on.
Rules were mended on the rows with half ``tuned``; those with half ``held`` have been counted and never looked
at. ``batches/dev.jsonl`` has replies in the manners of many models, all of them tuned on.
``forms.jsonl`` has the further forms, ``manners.jsonl`` short replies in many manners by question and answer.
"""

import json
from pathlib import Path

import pytest

from rewards import extract_answer

ROWS = [
    (path.stem, json.loads(line))
    for path in sorted((Path(__file__).parent / "batches").glob("batch_*.jsonl"))
    for line in path.read_text("utf-8").splitlines()
]
HELD_RIGHT, HELD_WRONG_LETTERS = 2301, 20
"""Of the 2,374 held rows: those read right, and those read as letters that are not meant."""

KNOWN_MISSES = {"batch_12 b12-103"}
"""Tuned rows that no rule reads yet."""

DEV = [
    ("dev", json.loads(line))
    for line in (Path(__file__).parent / "batches" / "dev.jsonl").read_text("utf-8").splitlines()
]


def misses(half, rows=ROWS):
    """Id, what was meant and what was read, of each row of the half that is read wrongly."""
    for batch, row in rows:
        if row["half"] == half:
            read = extract_answer(row["text"], row.get("options"), row.get("stem")).letters
            if read != row["expect"]:
                yield f"{batch} {row['id']}", row["expect"], read


def test_the_tuned_half_is_read_right():
    assert sum(row["half"] == "tuned" for _, row in ROWS) == 3124
    assert {row for row, _, _ in misses("tuned")} == KNOWN_MISSES


def test_replies_in_the_manners_of_many_models_are_read_right():
    assert len(DEV) == 400
    assert list(misses("tuned", DEV)) == []


def test_the_held_half_is_read_no_worse_than_it_was():
    wrong = list(misses("held"))
    assert sum(row["half"] == "held" for _, row in ROWS) == 2374
    assert 2374 - len(wrong) >= HELD_RIGHT, len(wrong)
    letters = sum(read is not None for _, _, read in wrong)
    assert letters <= HELD_WRONG_LETTERS, letters


FORMS = [json.loads(line) for line in (Path(__file__).parent / "forms.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form["text"][:30])
def test_a_kind_is_read_right_in_further_forms(form):
    read = extract_answer(form["text"], form["options"], form["stem"]).letters
    assert read == form["letters"], form["kind"]


MANNERS = [
    json.loads(line) for line in (Path(__file__).parent / "manners.jsonl").read_text("utf-8").splitlines()
]


def test_short_replies_in_many_manners_are_read_right():
    wrong = [
        (text, row["letters"], read)
        for row in MANNERS
        for text in row["texts"]
        if (read := extract_answer(text, row["options"], row["stem"]).letters) != row["letters"]
    ]
    assert wrong == []
