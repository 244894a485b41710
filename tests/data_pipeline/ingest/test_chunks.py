import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.ingest.chunks import Heading, chunks
from data_pipeline.ingest.documents import headings_of_plain_text

PIECES = st.sampled_from(
    [
        "记忆分为三步。",
        "编码！",
        "储存；",
        "提取",
        "“真的吗？”他说。",
        "\n",
        "\n\n",
        " ",
        "# 第一节\n",
        "\n## 二\n",
        "a.",
        "……",
        "）",
    ]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)


def cut(text, limit=600, overlap=0):
    return list(chunks(text, headings_of_plain_text(text), limit, overlap))


@given(TEXTS, st.integers(5, 60), st.integers(0, 30))
def test_pieces_cover_the_text_within_the_limit(text, limit, overlap):
    headings = headings_of_plain_text(text)
    found = list(chunks(text, headings, limit, overlap))
    covered = {at for heading in headings for at in range(heading.start, heading.end)}
    for chunk in found:
        if not chunk.too_long:
            assert 0 < chunk.end - chunk.start <= limit
        assert text[chunk.start : chunk.end].strip() == text[chunk.start : chunk.end]
        covered.update(range(chunk.start, chunk.end))
    assert all(text[at].isspace() for at in set(range(len(text))) - covered)


@given(TEXTS, st.integers(5, 60), st.integers(0, 30))
def test_pieces_come_in_order_and_repeat_no_more_than_the_overlap(text, limit, overlap):
    found = cut(text, limit, overlap)
    for before, after in pairwise(found):
        assert before.start < after.start
        assert before.end < after.end
        assert before.end - after.start <= overlap
        assert overlap > 0 or before.end <= after.start


@given(TEXTS, st.integers(5, 60))
def test_no_piece_crosses_a_heading(text, limit):
    for chunk in cut(text, limit):
        assert not any(chunk.start < h.end and h.start < chunk.end for h in headings_of_plain_text(text))


@given(st.lists(st.text("记忆分为", min_size=1, max_size=20).map(lambda s: s + "。"), max_size=30))
def test_a_piece_never_ends_inside_a_sentence(sentences):
    for chunk in cut("".join(sentences), limit=40):
        assert "".join(sentences)[chunk.end - 1] == "。"
        assert chunk.start == 0 or "".join(sentences)[chunk.start - 1] == "。"


def test_a_paragraph_that_fits_is_not_cut():
    text = "一二三四。\n\n五六七八。九十。"
    assert [text[c.start : c.end] for c in cut(text, limit=14)] == ["一二三四。", "五六七八。九十。"]


def test_overlap_repeats_whole_sentences_of_the_same_section():
    text = "# 一\n甲乙丙。丁戊己。庚辛壬。\n# 二\n子丑寅。"
    found = [(c.title, text[c.start : c.end]) for c in cut(text, limit=8, overlap=5)]
    assert found == [("一", "甲乙丙。丁戊己。"), ("一", "丁戊己。庚辛壬。"), ("二", "子丑寅。")]


def test_a_sentence_over_the_limit_is_cut_at_semicolons_or_told_apart():
    text = "甲乙丙；丁戊己；庚辛壬。" + "无" * 30 + "。完了。"
    found = [(text[c.start : c.end], c.too_long) for c in cut(text, limit=10)]
    assert found == [
        ("甲乙丙；丁戊己；", False),
        ("庚辛壬。", False),
        ("无" * 30 + "。", True),
        ("完了。", False),
    ]


@pytest.mark.parametrize("line", ["第三章 记忆", "第十二节  遗忘曲线", "### 注意 ###"])
def test_headings_of_plain_text(line):
    (heading,) = headings_of_plain_text(f"前文。\n{line}\n后文。")
    assert heading == Heading(4, 4 + len(line), re.sub(r"#+", "", line).strip())


def test_a_sentence_that_begins_like_a_chapter_is_no_heading():
    assert headings_of_plain_text("第一章讲了记忆，第二章讲了遗忘。") == ()
