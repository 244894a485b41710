import pytest

from data_pipeline.text.question_rules import canonical_gold, fault, option_texts, split_mark
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
        ("单项选择：工作记忆", ("single", "工作记忆")),
        ("81[多选题]记忆", ("multiple", "记忆")),
        ("（多项选择题）记忆", ("multiple", "记忆")),
        ("多选题下列正确的", ("multiple", "下列正确的")),
        ("多选题：3.记忆", ("multiple", "记忆")),
        ("不定项选择题：记忆", (None, "记忆")),
        ("多选题目的优点", (None, "多选题目的优点")),
        ("单选题的编制", (None, "单选题的编制")),
        ("33.4月以后的婴儿", (None, "4月以后的婴儿")),
        ("33、4月以后的婴儿", (None, "4月以后的婴儿")),
        ("122.16PF是", (None, "16PF是")),
        ("15.1879年，冯特", (None, "1879年，冯特")),
        ("7.3岁的儿童", (None, "3岁的儿童")),
        ("2.5岁的儿童", (None, "2.5岁的儿童")),
        ("5、6岁的儿童", (None, "5、6岁的儿童")),
        ("95.4%的数据", (None, "95.4%的数据")),
        ("12) 记忆", (None, "记忆")),
    ],
)
def test_marks_of_kind_and_number_leave_the_stem(stem, expected):
    assert split_mark(stem) == expected


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        (("A.识记", "B、保持", "Ｃ．再认"), ("识记", "保持", "再认")),
        (("(A)识记", "（B）保持"), ("识记", "保持")),
        (("Ⓐ识记", "Ⓑ保持"), ("识记", "保持")),
        (("A.识记", "B.保持", "饮食"), ("识记", "保持", "饮食")),
        (("A、A型人格", "B、B型人格"), ("A型人格", "B型人格")),
        ((" 记忆 ", "A型\n血"), ("记忆", "A型血")),
        (("A、B两型", "B、C两型"), ("A、B两型", "B、C两型")),
        (("A、B", "B、C"), ("A、B", "B、C")),
        (("C.甲", "K.乙", "W.丙"), ("C.甲", "K.乙", "W.丙")),
        (("荣格", "霍妮", "C．罗杰斯", "弗洛姆"), ("荣格", "霍妮", "C.罗杰斯", "弗洛姆")),
        (("A.班杜拉", "F.斯金纳"), ("A.班杜拉", "F.斯金纳")),
        (("A.识记", ""), ("A.识记", "")),
        (("A.识记",), ("识记",)),
        ((), ()),
    ],
)
def test_letters_leave_options_that_carry_their_own(options, texts):
    assert option_texts(options) == texts


def test_stems_and_options_of_the_mini_world_stay_as_they_are():
    cards = mini_cards()
    for question in world.build_exam(cards, 0, 100, "dev"):
        stem = question.stem.partition("：")[2]
        assert split_mark(question.stem) == (question.kind, stem)
        assert split_mark(stem) == (None, stem)
        assert option_texts(question.options) == question.options


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
