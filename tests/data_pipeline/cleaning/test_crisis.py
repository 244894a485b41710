"""What is a cue of a crisis and what is none, by what stands around it."""

import re
from pathlib import Path

import pytest
import yaml

from data_pipeline.cleaning import crisis_lexicon
from data_pipeline.cleaning.crisis import Cue, crisis_cues
from data_pipeline.cleaning.crisis_lexicon import KINDS, folded, lexicon


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("加了微信才认识的人把我拉黑了，我真的不想活了。", "passive_ideation"),
        ("有时真想离开这个世界。", "passive_ideation"),
        ("我不明白自己為什麼要活著，想自殺。", "active_ideation"),
        ("唔想再捱落去，諗住今晚走。", "active_ideation"),
        ("自鲨也好，紫砂也好，都是一个意思。", "active_ideation"),
        ("我太没用了，有时想死了算了。", "active_ideation"),
        ("Lately I keep thinking I want to die.", "passive_ideation"),
        ("I don’t want to be here anymore", "passive_ideation"),
        ("难受的时候我会伤害自己，手臂上都是疤。", "self_harm"),
        ("不想死但控制不住割自己", "self_harm"),
        ("绳子买好了，就差一个勇气", "method"),
        ("如果我明天就不在了，应该没有人会发现。", "passive_ideation"),
        ("等女儿考上大学，我就可以放心地走了", "active_ideation"),
        ("everyone would be so much happier without me", "passive_ideation"),
        ("一提分手他就以死相逼。", "threat_by_other"),
        ("我想杀了他，刀就在我包里", "harm_to_others"),
        ("丈夫喝了酒就动手打我，我不敢回家。", "violence"),
        ("继父晚上会进我房间，我不敢锁门", "sexual_violence"),
        ("有个声音一直叫我从窗户跳出去", "psychosis_command"),
    ],
)
def test_cues_of_every_kind(text, kind):
    assert kind in {cue.kind for cue in crisis_cues(text)}


@pytest.mark.parametrize(
    "text",
    [
        "我没有想过自杀，就是最近睡不好。",
        "医生问我有没有自杀念头，我说没有。",
        "我从来没有过轻生的想法。",
        "To be clear, I don't want to die.",
        "笑死我了，跳楼价买的自残式营销。",
        "老师讲《自杀论》，里面分了利他型和利己型，考试会考吗？",
        "其他地区的自杀率统计数据在哪里能查到？",
        "自杀基因疗法是一种策略。",
        "谢谢你说出来。你现在有没有伤害自己的想法？",
        "如果出现自杀的念头，请拨打12356。",
        "高中时曾经想过死，现在已经好了，很庆幸有人拉住我。",
        "我哥哥二十年前自杀了。",
        "有遗嘱的，按照遗嘱继承；没有遗嘱的，按照法定继承办理。",
        "反家暴法规定，人身安全保护令由人民法院作出。",
        "不是不想活，只是不想上班。",
        "他从来没有打过我，我们只是吵架。",
        "站在桥上拍照，夜景真美。",
        "我妈要是看到会打死我的哈哈哈",
        "I've never thought about hurting myself.",
        "",
    ],
)
def test_what_only_looks_like_one(text):
    assert crisis_cues(text) == []


def test_a_subject_does_not_hide_a_person():
    assert crisis_cues("这学期讲《自杀论》，可是我自己每天都想自杀。")


def test_a_past_that_goes_on_is_not_over():
    assert crisis_cues("以前想过死，现在已经好了。昨天又开始想自杀了。")


def test_denied_once_is_not_denied_twice():
    assert crisis_cues("我从没想过自杀，可是现在我每天都在计划怎么死。")


def test_cues_come_in_the_order_of_the_text_and_name_their_words():
    cues = crisis_cues("绳子买好了。我想自杀。")
    assert [cue.kind for cue in cues] == ["method", "active_ideation"]
    assert str(cues[1]) == str(Cue("active_ideation", "想自杀")) == "active_ideation: 想自杀"


def test_the_lexicon_has_every_kind_and_its_folding_is_idempotent():
    assert tuple(lexicon().cues) == KINDS
    for text in ("我想 自 杀 了，Ｄｏｎ’ｔ", "諗住自殺", "自*杀"):
        assert folded(folded(text)) == folded(text)
    assert folded("自*杀，自 杀 了") == "自杀,自杀了"


def test_every_repetition_of_the_lexicon_is_bounded():
    """So that no text, whatever it repeats, takes more than linear time."""
    tree = yaml.safe_load(Path(crisis_lexicon.__file__).with_name("crisis_cues.yaml").read_text("utf-8"))
    entries = [*tree["words"].values(), *tree["spellings"]]
    for section in (*tree["cues"].values(), *tree["harmless"].values()):
        entries += section
    for name in (
        "other_sense",
        "subject",
        "helper",
        "past",
        "well_now",
        "long_ago",
        "present",
        "term",
        "wish",
    ):
        entries += tree[name]
    unbounded = [entry for entry in entries if re.search(r"(?<!\\)[*+]", re.sub(r"\[[^]]*\]", "", entry))]
    assert unbounded == []
