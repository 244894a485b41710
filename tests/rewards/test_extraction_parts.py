"""What extraction makes of a reply's characters and of a question's options, piece by piece."""

import unicodedata

import pytest

from rewards import extract_answer
from rewards.extraction import option_texts
from rewards.extraction.options import option_table
from rewards.extraction.spelling import fold
from rewards.text.canonical import LETTERS, canonical_gold

OPTIONS = ("内隐记忆", "外显记忆", "感觉记忆", "工作记忆")


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        *((arrow, "→") for arrow in "⇒➡➜➔⟶→"),
        *((stop, "\n") for stop in "\n\r\x0b\x0c\x85\u2028\u2029"),
        *((blank, " ") for blank in "()[]{【】「」『』《》〈〉〔〕〖〗“”„‟\"‘*`$_#…\u00a0\u3000\t"),
        *(
            (unseen, "")
            for unseen in ("\u200b", "\u200d", "\ufeff", "\x07", "\x7f", "\ufe00", "\ufe0f", "\u00ad")
        ),
        *(("選擇應該錯誤對為爲項"[n], "选择应该错误对为为项"[n]) for n in range(10)),
        ("〜", "~"), ("−", "-"), ("}", "\x03"), ("Ａ", "A"), ("；", ";"), ("①", "1"),
        ("\ufe10", ","), ("⻓", "长"), ("⼥", "女"), ("⺠", "民"), ("½", "½"), ("㈠", "㈠"), ("é", "é"),
        ("А", "A"), ("Β", "B"), ("ⓐ", "A"),
        ("ⓩ", "Z"), ("🅐", "A"), ("🄰", "A"), ("⒜", "A"), ("絕", "绝"), ("體", "体"),
    ],
)  # fmt: skip
def test_how_a_character_is_folded(written, folded):
    assert fold(f"甲甲{written}乙乙").text == f"甲甲{folded}乙乙"


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("a  b", "a b"), ("a \n b", "a\nb"), ("a<br>b", "a\nb"), ("a<br/>b", "a\nb"), ("a\\nB", "a\nB"),
        ("a\\nb", "a\\nb"), ("~~A~~B", " B"), ("\\text{B}。", " B 。"), ("\\mathrm{B}", " B "),
        ("<b>A</b>", " A "), ("'A'", " A "), ("it's", "it's"), ("it’s", "it's"),
        ("D（C项错误）", "D。C项错误 "),
        ("D（C项正确）", "D。C项正确 "), ("D（C）", "D C "),
        ("选（A是对的）", "选 A是对的 "), ("\n> b", "\nb"), ("a > b", "a > b"), ("答 案", "答案"),
        ("<|end|>", " "), ("\\quad A", " A"), ("a&nbsp;b", "a b"), ("<A>", " A "),
    ],
)  # fmt: skip
def test_how_ornaments_and_blanks_are_folded(written, folded):
    assert fold(written).text == folded


@pytest.mark.parametrize("written", ["A  或\u200b  B", "\\text{A}，\u200b**B**", "~~C~~ B<br>A"])
def test_a_folded_character_leads_back_to_where_it_was_read(written):
    folded = fold(written)
    for place, character in enumerate(folded.text):
        if character.isalnum():
            start, end = folded.original(place, place + 1)
            assert written[start:end] == character


@pytest.mark.parametrize("first", [0x249C, 0x24B6, 0x24D0, 0x1F110, 0x1F130, 0x1F150, 0x1F170, 0x1F1E6])
def test_every_lettered_symbol_is_its_letter(first):
    for at, letter in enumerate(LETTERS):
        symbol = chr(first + at)
        assert unicodedata.name(symbol).upper().endswith(f" {letter}")
        assert canonical_gold(symbol) == letter


@pytest.mark.parametrize("mark", [*"、,;/|.·&+()[]【】和与及 \n，；（）", " ，和 "])
def test_what_may_stand_between_the_letters_of_a_gold(mark):
    assert canonical_gold(f"B{mark}A") == "AB"


@pytest.mark.parametrize(
    ("gold", "options", "why"),
    [
        (" ", None, "gold ' ' is empty"), ("略", 4, "gold '略' is not made of option letters"),
        ("A1", None, "gold 'A1' is not made of option letters"),
        ("BFE", 4, "gold 'BFE' names EF, but there are 4 options"),
    ],
)  # fmt: skip
def test_why_a_gold_is_none(gold, options, why):
    with pytest.raises(ValueError, match=f"^{why}$"):
        canonical_gold(gold, options)
    assert canonical_gold("D", 4) == "D"
    assert canonical_gold("Z") == "Z"


@pytest.mark.parametrize(
    ("options", "letters", "texts"),
    [
        (("甲", "乙", ""), "AB", "甲乙"), (("甲", "", ""), "A", "甲"), (("", "乙"), "AB", "乙"),
        (("", ""), "AB", ""), (("A. 甲", "B、乙"), "AB", "甲乙"), (("A. 甲", "乙"), "AB", "A. 甲乙"),
        (("B. 甲", "A. 乙"), "AB", "B. 甲A. 乙"), (("甲A. 丙", "B. 乙"), "AB", "甲A. 丙B. 乙"),
        ((), LETTERS, ""), (("A", "ab", "丙"), "ABC", "丙"), ((" 甲 ", "乙"), "AB", "甲乙"),
    ],
)  # fmt: skip
def test_letters_and_texts_of_options(options, letters, texts):
    table = option_table(options)
    assert table.letters == letters
    assert "".join(table.texts.values()) == texts
    assert table.closed == bool(options)


def test_what_the_words_of_an_option_mean():
    table = option_table(OPTIONS)
    assert [table.meaning(said) for said in ("外显记忆。", "以上都是", "以上都不是", "外显", "")] == [
        "B", "ABCD", "", "", "",
    ]  # fmt: skip
    assert table.from_text("内隐记忆和感觉记忆") == "AC"
    assert table.from_text("内隐记忆（选项A）以及 C.感觉记忆") == "AC"
    assert table.from_text("工作记忆 option D, 外显记忆") == "DB"
    assert table.from_text("内隐记忆和别的") == table.from_text("和") == ""
    twice = option_table(("甲类", "甲类", "乙类"))
    assert (twice.meaning("甲类"), twice.meaning("乙类")) == ("", "C")
    longer = option_table(("记忆", "记忆广度", "广度"))
    assert longer.from_text("记忆广度") == "B"


def test_an_option_may_say_all_or_none():
    table = option_table(("甲", "以上都是", "全都对", "以上都不是"))
    assert (table.all_of_above, table.none_of_above) == ("B", "D")
    assert (option_table(("甲",)).all_of_above, option_table(("甲",)).none_of_above) == ("A", "")
    assert option_table(()).all_of_above == ""


def test_a_phrase_longer_than_all_options_together_means_nothing():
    table = option_table(OPTIONS)
    assert table.reach == 4 * (4 + 6) + 16
    for read in (table.meaning, table.from_text):
        assert read("内隐记忆".ljust(table.reach, "。")) == "A"
        assert read("内隐记忆".ljust(table.reach + 1, "。")) == ""
    assert table.from_text("内隐记忆感觉记忆".ljust(table.reach, "。")) == "AC"
    assert table.from_text("内隐记忆感觉记忆".ljust(table.reach + 1, "。")) == ""


@pytest.mark.parametrize(
    ("said", "letters"), [("a", "A"), ("a、c和d", "ACD"), ("ba", ""), ("aa", ""), ("e", ""), ("d", "D")]
)
def test_letters_in_lower_case(said, letters):
    assert option_table(OPTIONS).lower_case(said) == letters
    assert extract_answer(f"答案：{said}", OPTIONS).letters == (letters or None)
    assert extract_answer(said, OPTIONS).letters == (letters or None)


def test_a_line_of_letters_is_400_characters_at_most():
    for chars, letters in ((398, "AB"), (399, "B")):
        options = ("字" * chars, "乙", "丙")
        assert extract_answer(f"好的\nA.{options[0]}\nB.乙", options).letters == letters


@pytest.mark.parametrize(
    ("text", "letters", "rule"),
    [
        ("A\n因为甲", "A", "letters"), ("因为甲\nA", "A", "letters"), ("A\n因为甲\nA", "A", "letters"),
        ("A\n因为甲\nB", None, "ambiguous"),
        ("A\nB\n因为甲\nB", None, "ambiguous"), ("A\n\nB", "AB", "letters"),
        ("A.内隐记忆\nB.外显记忆\nC.感觉记忆\nD.工作记忆\nB", "B", "letters"),
        ("A.内隐记忆\nB.外显记忆\nC.感觉记忆\nD.工作记忆", None, "none"),
        ("A.内隐记忆\nE", None, "out_of_range"), ("A.外显记忆", None, "ambiguous"), ("因为甲", None, "none"),
        ("\n \n", None, "none"),
    ],
)  # fmt: skip
def test_lines_of_letters(text, letters, rule):
    found = extract_answer(text, OPTIONS)
    assert (found.letters, found.rule) == (letters, rule)


def test_options_by_letter_are_taken_in_the_order_of_their_letters():
    assert option_texts({"b ": "乙", "A": "甲"}) == ("甲", "乙")
    assert extract_answer("答案：乙", {"B": "乙", "A": "甲"}).letters == "B"
    for wrong in ({"A": "甲", "C": "丙"}, {"B": "乙"}, {"A": "甲", "a": "乙"}):
        with pytest.raises(
            ValueError, match=r"^the keys of options are [ABCa, ]+, not the letters from A on$"
        ):
            option_texts(wrong)
