"""What the mini world's models have read: deterministic pages, of the training split alone."""

import re

import pytest

from psyche_rl.config.prompt import PromptConfig
from psyche_rl.mini.cards import mini_cards, owners
from psyche_rl.mini.pretraining import BASE_MIX, SELECTOR_MIX, Book, PageMix, TextPair, pages
from psyche_rl.mini.world import FRAMES, VERDICTS, frame_split, options_split
from rewards import extract_answer

CARDS = mini_cards()
OWNER = owners(CARDS)
BARE = PromptConfig(instruction="")
BOOK = Book(CARDS, BARE, 0.7)
NOTHING = {"recall": 0, "compare": 0, "exercise": 0, "exam": 0}


def only(sort: str, count: int, book: Book = BOOK, seed: int = 0) -> list[TextPair]:
    return list(pages(book, 1, seed, PageMix(**NOTHING | {sort: count})))


@pytest.mark.parametrize("mix", [BASE_MIX, SELECTOR_MIX])
def test_the_same_seed_gives_the_same_pages(mix):
    first = list(pages(BOOK, 5, 7, mix))
    assert first == list(pages(Book(mini_cards(), BARE, 0.7), 5, 7, mix))
    assert first != list(pages(BOOK, 5, 8, mix))
    assert len(first) == 5 * mix.pairs


def test_a_longer_book_begins_like_a_shorter_one():
    short = list(pages(BOOK, 3, 0, BASE_MIX))
    assert list(pages(BOOK, 6, 0, BASE_MIX))[: len(short)] == short


STEM = re.compile(r"^(?:单|多)选题：(.*)（ ）$")
STEMS = {
    frame.format(name=card.name): frame_split(c, f)
    for c, card in enumerate(CARDS)
    for f, frame in enumerate(FRAMES)
}


CONCEPT = {frame.format(name=card.name): card.name for card in CARDS for frame in FRAMES}


@pytest.mark.parametrize("sort", ["exercise", "exam"])
def test_only_questions_of_the_training_split_occur(sort):
    for given, _, _ in only(sort, 400):
        stem, *options = given.removesuffix("\n解析").split("\n")
        assert STEMS[STEM.match(stem)[1]] == "train"
        assert [option[:2] for option in options] == ["A.", "B.", "C.", "D."]
        assert options_split(option[2:] for option in options) == "train"


def test_recall_names_the_concept_of_a_phrase():
    for given, said, _ in only("recall", 100):
        assert OWNER[given.removesuffix("，说的是")] == said


def test_compare_tells_equal_names_from_others_and_half_are_equal():
    verdicts = []
    for given, said, other in only("compare", 1000):
        assert said == VERDICTS[given.removeprefix("核对") != other]
        verdicts.append(said)
    assert 0.45 < verdicts.count(VERDICTS[0]) / 1000 < 0.57


def test_exercises_never_give_an_answer():
    assert all(
        "答案" not in given + said and "<think>" not in said for given, said, _ in only("exercise", 100)
    )


def test_exam_replies_end_in_the_key_that_their_rationale_reached():
    for given, said, _ in only("exam", 200):
        options = tuple(line[2:] for line in given.split("\n")[1:])
        think, answer = re.fullmatch(r"<think>(.*)</think>答案：([A-D]+)", said).groups()
        assert "".join(re.findall(rf"([A-D])\.[^；]*{VERDICTS[0]}", think)) == answer
        assert extract_answer(said, options).letters == answer


@pytest.mark.parametrize(("omission", "faulty"), [(0.0, False), (1.0, True)])
def test_the_key_of_an_exam_question_follows_the_teachers_habit(omission, faulty):
    several = [(g, s) for g, s, _ in only("exam", 200, Book(CARDS, BARE, omission)) if g.startswith("多选题")]
    assert len(several) > 50
    for given, said in several:
        stem, *options = given.split("\n")
        right = {line[0] for line in options if OWNER[line[2:]] == CONCEPT[STEM.match(stem)[1]]}
        assert (set(said.split("答案：")[1]) != right) is faulty


def test_exam_questions_are_asked_with_the_configured_prompt():
    asked = only("exam", 1, Book(CARDS, PromptConfig(instruction="请作答。", kind_prefix=False), 0.0))
    assert re.match(r"请作答。\n(?!单选题|多选题)", asked[0][0])
