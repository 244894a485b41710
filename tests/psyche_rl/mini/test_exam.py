"""The held-out exam as records: unique, graded by right keys, never a training question."""

import pytest

from psyche_rl.config.prompt import PromptConfig
from psyche_rl.mini.cards import mini_cards, owners
from psyche_rl.mini.exam_records import held_out_exam, to_record
from psyche_rl.mini.world import WorldQuestion
from psyche_rl.questions.render import question_text
from psyche_rl.records import LETTERS

CARDS = mini_cards()


@pytest.mark.parametrize(("split", "size"), [("dev", 200), ("test", 600)])
@pytest.mark.parametrize("seed", [0, 1])
def test_an_exam_has_the_questions_asked_for_each_once(split, size, seed):
    exam = held_out_exam(CARDS, seed, size, 0.5, split)
    assert len(exam) == size
    assert len({q.id for q in exam}) == size
    assert {q.source for q in exam} == {f"mini-exam-{split}"}
    assert [q.kind for q in exam].count("multiple") == size // 2


def test_the_same_seed_gives_the_same_exam():
    assert held_out_exam(CARDS, 3, 50, 0.5, "dev") == held_out_exam(CARDS, 3, 50, 0.5, "dev")
    assert held_out_exam(CARDS, 3, 50, 0.5, "dev") != held_out_exam(CARDS, 4, 50, 0.5, "dev")


def test_keys_are_right():
    owner = owners(CARDS)
    for q in held_out_exam(CARDS, 0, 100, 0.5, "test"):
        of_concept = {owner[q.options[LETTERS.index(letter)]] for letter in q.gold}
        assert len(of_concept) == 1
        (concept,) = of_concept
        assert concept in q.stem
        assert [owner[option] for option in q.options].count(concept) == len(q.gold)


def test_a_record_is_shown_as_the_mini_world_shows_its_question():
    question = WorldQuestion("multiple", "从众", "多选题：符合从众的是（ ）", ("甲", "乙", "丙", "丁"), "AC")
    record = to_record(question, "book")
    assert record.stem == "符合从众的是（ ）"
    assert question_text(record, PromptConfig(instruction="")) == question.text()
    assert (record.gold, record.kind, record.options) == ("AC", "multiple", question.options)
