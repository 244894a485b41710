from collections import Counter

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.cleaning.passage_cleaning import clean_one
from data_pipeline.cleaning.text_rules import clean_text
from data_pipeline.text.folding import fold
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.mini.cards import TEXTS
from psyche_rl.records import Passage, RowOutcome


def passage(text, row=1):
    return Passage(id=f"raw-{row}", text=text, source="s.txt", row=row)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("我很开心😀🎉真的👨\u200d👩\u200d👧！", "我很开心真的！"),
        ("太累了！！！！怎么办？？", "太累了！怎么办？"),
        ("他说,记忆有三步:编码;储存?", "他说，记忆有三步：编码；储存？"),
        ("这是结论.下一句", "这是结论。下一句"),
        ("量表(SCL-90)得分2.5,正常", "量表（SCL-90）得分2.5,正常"),
        ("嗯……好吧。。。。", "嗯……好吧……"),
        ("见 https://a.cn/b?c=1 一文。", "见一文。"),
        ("情绪很重要。加微信领资料！还有认知。", "情绪很重要。还有认知。"),
        ("⼥性，Ａ型人格", "女性，A型人格"),
        ("人的\n记忆 分为  三 步。", "人的记忆分为三步。"),
        ("第一段。\n\n\n第二段。", "第一段。\n\n第二段。"),
        ("a test of IQ, twice", "a test of IQ, twice"),
        ("刺激→反应", "刺激→反应"),
        ("⻓期的⼼理", "长期的心理"),
    ],
)
def test_the_rules(raw, clean):
    assert clean_text(raw) == clean


@given(st.text(alphabet="记忆编码，,。.！!？?：:（(）)… -—~\n\u3000ＡaZ9😀⼥“”", max_size=40))
def test_cleaning_twice_changes_nothing_more(text):
    once = clean_text(text)
    assert clean_text(once) == once


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing_more(text):
    assert fold(fold(text)) == fold(text)


def test_the_mini_world_is_clean_already():
    for name in ("cards_general.yaml", "cards_applied.yaml"):
        for card in yaml.safe_load((TEXTS / name).read_text("utf-8")):
            assert clean_text(card["text"]) == card["text"].strip()


def test_a_passage_gets_the_id_of_its_clean_text():
    one, two = (
        clean_one(passage("记忆的三个步骤是编码、储存和提取。。"), CleanConfig(), Counter()),
        clean_one(passage("记忆的三个步骤是编码、储存和提取。", row=2), CleanConfig(), Counter()),
    )
    assert one.id == two.id != "raw-1"


def test_what_is_nothing_but_an_advert_is_set_aside_with_file_row_and_reason():
    found = clean_one(passage("扫码关注我们的公众号，免费领取课程！", row=7), CleanConfig(), Counter())
    assert isinstance(found, RowOutcome)
    assert (found.source, found.source_row, found.filter) == ("s.txt", 7, "too_short")
    assert str(CleanConfig().min_chars) in found.reason
