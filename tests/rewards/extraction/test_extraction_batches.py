"""Replies of the blind batches, of many models' manners, and further forms of the kinds that they showed.

``batches/batch_N.jsonl`` were written from docs/extraction.md alone. Of 1 to 22 all rows are tuned on (their
held halves were opened at last); of 23 to 26 those with half ``tuned``, while those with half ``held`` have
been counted and never looked at. ``batches/dev*.jsonl`` are training rows: replies in the manners of many
models, of which ``dev_c`` and ``dev_e`` were asked to conclude in as many ways as there are.
``forms.jsonl`` has the further forms, ``manners.jsonl`` short replies in many manners by question and answer.
"""

import json
from pathlib import Path

import pytest

from rewards import extract_answer

BATCHES = Path(__file__).parent / "batches"
ROWS = [
    (path.stem, json.loads(line))
    for path in sorted(BATCHES.glob("batch_*.jsonl"))
    for line in path.read_text("utf-8").splitlines()
]
HELD_BACK = {f"batch_{number}" for number in range(23, 27)}
HELD_RIGHT, HELD_WRONG_LETTERS = 498, 1
"""Of the 500 held rows: those read right, and those read as letters that are not meant."""

KNOWN_MISSES = {"batch_18 b18-160", "batch_21 b21-162"}
"""Tuned rows that no rule reads yet."""

DEV_MISSES = {"dev_c": 33, "dev_e": 52, "dev_i": 1, "dev_k": 6}
"""Rows that no rule reads right yet, by file."""
DEV_WRONG_LETTERS = {"dev_i i-053"}


def misses(rows):
    """Id, what was meant and what was read, of each row that is read wrongly."""
    for batch, row in rows:
        read = extract_answer(row["text"], row.get("options"), row.get("stem")).letters
        if read != row["expect"]:
            yield f"{batch} {row['id']}", row["expect"], read


def test_what_the_rules_were_tuned_on_is_read_right():
    tuned = [(batch, row) for batch, row in ROWS if batch not in HELD_BACK or row["half"] == "tuned"]
    assert len(tuned) == 5998
    assert {row for row, _, _ in misses(tuned)} == KNOWN_MISSES


def test_replies_in_the_manners_of_many_models_are_read_right():
    rows = [
        (path.stem, json.loads(line))
        for path in sorted(BATCHES.glob("dev*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    assert len(rows) == 2400
    wrong = list(misses(rows))
    by_file = {batch: sum(row.split()[0] == batch for row, _, _ in wrong) for batch, _ in rows}
    assert {batch: count for batch, count in by_file.items() if count} == DEV_MISSES
    assert {row for row, _, read in wrong if read} == DEV_WRONG_LETTERS


def test_the_held_half_is_read_no_worse_than_it_was():
    held = [(batch, row) for batch, row in ROWS if batch in HELD_BACK and row["half"] == "held"]
    wrong = list(misses(held))
    assert len(held) == 500
    assert 500 - len(wrong) >= HELD_RIGHT, len(wrong)
    assert sum(read is not None for _, _, read in wrong) <= HELD_WRONG_LETTERS


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
