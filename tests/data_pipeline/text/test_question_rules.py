import pytest

from data_pipeline.text.question_rules import canonical_gold, fault, option_text, split_mark
from psyche_rl.mini import world
from psyche_rl.mini.cards import mini_cards

OPTIONS = ("甲", "乙", "丙", "丁")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("B", "B"),
        ("DBA", "ABD"),
        ("Ａ、Ｂ，D", "ABD"),
        ("\u3000A\u2003C\n", "AC"),
        ("ab", "AB"),
        ("АВ", "AB"),  # Cyrillic
        ("AAB", "AB"),
        ("", ""),
        ("无", ""),
        ("DSM-5", ""),
    ],
)
def test_golds_are_letters_sorted_each_once(answer, gold):
    assert canonical_gold(answer) == gold


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("单选： 51．该求助者（　　）。", ("single", "该求助者（ ）。")),
        ("多选题：下列正确的是", ("multiple", "下列正确的是")),
        ("【多选】下列", ("multiple", "下列")),
        ("3. 记忆", (None, "记忆")),
        ("2.5个标准差", (None, "2.5个标准差")),
        ("单一的刺激", (None, "单一的刺激")),
    ],
)
def test_marks_of_kind_and_number_leave_the_stem(stem, expected):
    assert split_mark(stem) == expected


@pytest.mark.parametrize("option", ["A.记忆", "B、记忆", "Ｃ．记忆", " 记忆 "])
def test_letters_leave_the_option(option):
    assert option_text(option) == "记忆"


def test_stems_and_options_of_the_mini_world_stay_as_they_are():
    cards = mini_cards()
    for question in world.build_exam(cards, 0, 100, "dev"):
        stem = question.stem.partition("：")[2]
        assert split_mark(question.stem) == (question.kind, stem)
        assert split_mark(stem) == (None, stem)
        assert tuple(map(option_text, question.options)) == question.options


@pytest.mark.parametrize(
    ("kind", "stem", "options", "gold", "names"),
    [
        ("single", " ", OPTIONS, "A", "stem"),
        ("single", "问", ("甲",), "A", "options"),
        ("single", "问", ("甲", "", "丙"), "A", "option B is empty"),
        ("single", "问", ("甲", "乙", "甲"), "A", "the same"),
        ("single", "问", OPTIONS, "", "not made of"),
        ("single", "问", OPTIONS, "E", "E is not among"),
        ("single", "问", OPTIONS, "AB", "single"),
        ("short", "问", (), " ", "empty"),
    ],
)
def test_faults_are_named(kind, stem, options, gold, names):
    assert names in fault(kind, stem, options, gold)


@pytest.mark.parametrize(
    ("kind", "options", "gold"),
    [
        ("single", OPTIONS, "D"),
        ("multiple", OPTIONS, "ABCD"),
        ("multiple", OPTIONS, "A"),
        ("short", (), "要点"),
    ],
)
def test_sound_questions_have_none(kind, options, gold):
    assert fault(kind, "问", options, gold) is None
