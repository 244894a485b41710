"""Bytes as text: encodings are told apart, and what is no text becomes nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.text.decoding import LOST, LineDecoder, decode, without_lost
from data_pipeline.text.storable import storable

SIMPLE = "短时记忆的容量有限，大约为七个组块。\n第二行。\n遗忘先快后慢"
TRADITIONAL = "短時記憶的容量有限，大約是七個組塊。\n第二行。\n遺忘先快後慢"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", SIMPLE), ("utf-8-sig", SIMPLE), ("gb18030", SIMPLE), ("gbk", SIMPLE), ("big5", TRADITIONAL),
        ("utf-16", SIMPLE), ("utf-16-le", SIMPLE), ("utf-16-be", SIMPLE), ("utf-32", SIMPLE),
        ("utf-8", "naïve café"), ("utf-16", "plain words"), ("utf-16-le", "plain words"), ("utf-8", ""),
    ],
)  # fmt: skip
def test_encodings_are_told_apart(encoding, text):
    decoded = decode(text.encode(encoding))
    assert (decoded.text, decoded.damaged) == (text, ())


@pytest.mark.parametrize(("encoding", "text"), [("gb18030", SIMPLE), ("big5", TRADITIONAL)])
@pytest.mark.parametrize("length", [4, 7, 12])
def test_a_few_characters_are_enough(encoding, text, length):
    assert decode(text[:length].encode(encoding)).text == text[:length]


@pytest.mark.parametrize("end", ["\r\n", "\r", "\r\r\n", "\n"])
def test_line_ends_become_one(end):
    text = SIMPLE.replace("\n", end)
    assert decode(text.encode()).text == decode(text.encode("gb18030")).text == SIMPLE


@given(st.integers(1, len(SIMPLE.encode()) - 1), st.sampled_from([b"\xff", b"\xc0", b"\xfe\xfe"]))
def test_a_bad_byte_costs_its_line_and_makes_no_new_character(place, bad):
    raw = SIMPLE.encode()
    decoded = decode(raw[:place] + bad + raw[place:])
    line = raw[:place].count(b"\n") + 1
    assert decoded.damaged == (line,)
    assert set(decoded.text) <= {*SIMPLE, LOST}
    others = [n for n in range(1, 4) if n != line]
    assert [decoded.text.split("\n")[n - 1] for n in others] == [SIMPLE.split("\n")[n - 1] for n in others]


def test_a_bad_byte_in_gb_18030_costs_its_line():
    raw = SIMPLE.encode("gb18030")
    decoded = decode(raw[:9] + b"\xd6" + raw[9:])
    assert decoded.damaged == (1,)
    assert LOST in decoded.text
    assert decoded.text.split("\n")[1:] == SIMPLE.split("\n")[1:]


def test_a_cut_character_is_no_other():
    assert decode("容量各不相同".encode()[:-1]).text == "容量各不相" + LOST
    assert decode(b"caf\xe9 noir, d\xe9j\xe0 vu").text.count(LOST) == 3


def test_lines_of_several_encodings():
    decoder = LineDecoder("一行中文。\n".encode("gb18030"))
    lines = ("记忆".encode(), "另一种编码".encode("gb18030"), "容量有限相\x80".encode("latin-1", "ignore"))
    assert [decoder.line(line) for line in lines[:2]] == [("记忆", True), ("另一种编码", True)]
    assert decoder.line("记忆有三个系统".encode() + b"\xe5") == ("记忆有三个系统" + LOST, False)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("一句。\ufffd二句。", "一句。二句。"),
        ("一句。二\ufffd句。三句。", "一句。三句。"),
        ("一句。二句\ufffd", "一句。"),
        ("第一行\ufffd\n第二行\n", "\n第二行\n"),
        ("没有损失。\n", "没有损失。\n"),
    ],
)
def test_sentences_that_lost_characters_are_left_out(text, kept):
    assert without_lost(text) == kept


def test_values_with_half_characters_can_be_stored():
    value = storable({"a\ud83d": ["好\udc00", ("\ud83d\ude00", 1, None)]})
    assert value == {"a": ["好", ["😀", 1, None]]}
