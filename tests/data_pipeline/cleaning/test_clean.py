import unicodedata

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.cleaning.passage_cleaning import clean_passage
from data_pipeline.cleaning.text_rules import clean_text, cleaned
from data_pipeline.text.folding import fold, keeps
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
        # Numbers in circles are list marks, superscripts powers, half is no 1 beside a 2.
        ("①6岁前很少复述；②9岁后开始。", "①6岁前很少复述；②9岁后开始。"),
        ("⑴5岁前⒉2秒后❸再认㈠甲", "⑴5岁前⒉2秒后❸再认㈠甲"),
        ("s²=16，10⁻³，H₂O，面积3½㎡", "s²=16，10⁻³，H₂O，面积3½㎡"),
        ("ⅡⅢ期，高１５㎝，㏒，Ａ", "ⅡⅢ期，高15cm，log，A"),
        ("♂40人，♀38人，对的打✓错的打✗", "♂40人，♀38人，对的打✓错的打✗"),
        ("我🤷‍♂️也是🙋🏻‍♀️♂️❤️", "我也是♂"),
        ("参见[注]，我[大哭]不行了[捂脸]", "参见[注]，我不行了"),
        # What is no tag, no emphasis.
        ("若 a<b 且 c>d，均数", "若a<b且c>d，均数"),
        ("若ａ＜ｂ 且 ｃ＞ｄ", "若a<b且c>d"),
        ("x<p>y 而 u<i>v", "x<p>y而u<i>v"),
        ("<p>一段<b>重点</b>和<span style='a:b'>灰</span><br/>二段", "一段重点和灰\n二段"),
        ("感觉是__的反映，知觉是__的反映", "感觉是__的反映，知觉是__的反映"),
        ("r=.32**，另一r=.45**", "r=.32**，另一r=.45**"),
        ("这是**重点**内容", "这是重点内容"),
        # Lines.
        (
            "求助者：睡不着。\n咨询师：多久了？\n求助者：三个月",
            "求助者：睡不着。\n咨询师：多久了？\n求助者：三个月",
        ),
        ("我好累\n真的好累\n不知道怎么办", "我好累\n真的好累\n不知道怎么办"),
        ("压力来源：\n一、工作\n（二）家庭", "压力来源：\n一、工作\n（二）家庭"),
        (
            "短时记忆的容量大约为七个组块上下，\n由米勒提出并",
            "短时记忆的容量大约为七个组块上下，由米勒提出并",
        ),
        (
            "一种与生俱来并且伴随一生的职业义\n务感。敬\n业包含四层",
            "一种与生俱来并且伴随一生的职业义务感。敬业包含四层",
        ),
        ("第一行。\r第二行。\u2028第三行。\r\n第四行。", "第一行。\n第二行。\n第三行。\n第四行。"),
        ("卡尔.罗杰斯是人本主义者.他说", "卡尔.罗杰斯是人本主义者。他说"),
        # Repeats.
        ("求助者：……（长时间的沉默和哭泣）\n求助者：……（长时间的沉默和哭泣）",) * 2,
        ("咨询师：嗯，我在听着呢。\n咨询师：嗯，我在听着呢。",) * 2,
        ("……（沉默了很久很久）。……（沉默了很久很久）。",) * 2,
        ("心理学基础知识教程\n记忆\n心理学基础知识教程", "心理学基础知识教程\n记忆"),
        ("这一句话说了两遍。这一句话说了两遍。", "这一句话说了两遍。"),
        # Adverts take two signs, and three where somebody is spoken of.
        ("要准备的资料包括：量表和记录纸。", "要准备的资料包括：量表和记录纸。"),
        ("他加微信和我聊了两个月，突然不回了。", "他加微信和我聊了两个月，突然不回了。"),
        ("我在公众号上扫码进了群。",) * 2,
        ("版权所有的问题属于法律。", "版权所有的问题属于法律。"),
        ("记忆。关注公众号，回复领取真题。遗忘。", "记忆。遗忘。"),
        ("记忆。详情点击链接 https://a.cn/b", "记忆。"),
        ("记忆。扫码加我微信领资料！遗忘。", "记忆。遗忘。"),
        ("压力。\n来源：社会支持\n来源：新华网", "压力。\n来源：社会支持"),
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
        clean_passage(passage("记忆的三个步骤是编码、储存和提取。。"), CleanConfig()).end,
        clean_passage(passage("记忆的三个步骤是编码、储存和提取。", row=2), CleanConfig()).end,
    )
    assert one.id == two.id != "raw-1"


def test_what_is_nothing_but_an_advert_is_set_aside_with_file_row_and_reason():
    found = clean_passage(passage("扫码关注我们的公众号，免费领取课程！", row=7), CleanConfig()).end
    assert isinstance(found, RowOutcome)
    assert (found.source, found.source_row, found.filter) == ("s.txt", 7, "too_short")
    assert str(CleanConfig().min_chars) in found.reason


def test_nfkc_is_kept_from_what_it_would_harm_and_from_nothing_else():
    kept = {chr(code) for code in range(0x30000) if keeps(chr(code))}
    assert set("①㊀Ⓐ⒈⑴½²₂ⅠⅧ㎡㏠¯ª™") <= kept
    assert kept.isdisjoint("Ａ１⼥豈㎝㎏ﬁ℃№﹕＜")
    for character in kept - set("…"):
        folded = unicodedata.normalize("NFKC", character)
        assert folded != character
        assert fold(f"甲{character}乙") == f"甲{character}乙"


def test_a_sentence_with_a_cue_of_a_crisis_is_never_an_advert():
    text = "关注公众号领取资料，我真的不想活了。"
    assert clean_text(text) == text


def test_what_goes_as_a_whole_is_handed_on():
    found = cleaned("第1页\n记忆。扫码关注公众号，回复13800138000领取资料！", CleanConfig())
    assert found.text == "记忆。"
    assert found.taken_out == [
        ("boilerplate", "第1页"),
        ("adverts", "扫码关注公众号，回复［电话］领取资料！"),
    ]
    assert (found.counts["boilerplate"], found.counts["adverts"], found.counts["pii.phone"]) == (1, 1, 1)
