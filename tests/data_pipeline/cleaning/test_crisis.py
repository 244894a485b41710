"""What is a cue of a crisis and what is none, by what stands around it."""

import pytest

from data_pipeline.cleaning.crisis import Cue, crisis_cues
from data_pipeline.cleaning.crisis_features import features_of, sentences_of
from data_pipeline.cleaning.crisis_kinds import KINDS
from data_pipeline.cleaning.crisis_lexicon import concepts_of, folded
from data_pipeline.cleaning.crisis_model import model


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("加了微信才认识的人把我拉黑了，我真的不想活了。", "ideation"),
        ("有时真想离开这个世界。", "ideation"),
        ("我不明白自己為什麼要活著，想自殺。", "ideation"),
        ("唔想再捱落去，諗住今晚走。", "active_ideation"),
        ("自鲨也好，紫砂也好，都是一个意思。", "ideation"),
        ("我太没用了，有时想死了算了。", "ideation"),
        ("Lately I keep thinking I want to die.", "ideation"),
        ("I don’t want to be here anymore", "passive_ideation"),
        ("难受的时候我会伤害自己，手臂上都是疤。", "self_harm"),
        ("不想死但控制不住割自己", "self_harm"),
        ("绳子买好了，就差一个勇气", "method"),
        ("一提分手他就以死相逼。", "threat_by_other"),
        ("我想杀了他，刀就在我包里", "harm_to_others"),
        ("丈夫喝了酒就动手打我，我不敢回家。", "violence"),
        ("继父晚上会进我房间，我不敢锁门", "sexual_violence"),
        ("有个声音一直叫我从窗户跳出去", "psychosis_command"),
    ],
)
def test_cues_of_every_kind(text, kind):
    assert any(cue.kind.endswith(kind) for cue in crisis_cues(text))


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


def test_a_sentence_counts_as_much_among_many():
    ordinary = "今天去菜市场买了菜。晚上做了红烧肉。孩子写完作业看了会儿电视。"
    (cue,) = crisis_cues(ordinary * 3 + "我想自杀，绳子买好了。" + ordinary * 3)
    assert {"自杀", "绳子"} <= set(cue.words.split())


def test_cues_come_in_the_order_of_the_text_and_name_their_words():
    text = "绳子买好了，就挂在门后。" + "今天天气很好，去公园散步了。" * 4 + "他又打我了，眼睛肿了。"
    first, second = crisis_cues(text)
    assert "绳子" in first.words
    assert second.kind == "violence"
    assert str(Cue("method", "绳子")) == "method: 绳子"


def test_a_cue_repeats_nothing_personal():
    (cue,) = crisis_cues("我叫李小梅，电话13800138000，我不想活了，想从楼上跳下去。")
    assert "李小梅" not in cue.words
    assert "138" not in cue.words


def test_folding_is_idempotent():
    for text in ("我想 自 杀 了，Ｄｏｎ’ｔ", "諗住自殺", "自*杀"):
        assert folded(folded(text)) == folded(text)
    assert folded("自*杀，自 杀 了") == "自杀,自杀了"


def test_concepts_are_found_by_tokens_and_denials_reach_them():
    assert [one.name for one in concepts_of("利他型")] == []
    assert {"he", "suicide"} <= {one.name for one in concepts_of("他想自杀")}
    (denied,) = sentences_of(folded("没有想过自杀"))
    assert "a:not suicide" in features_of([denied])


def test_the_model_knows_every_kind_and_every_concept():
    learned = model()
    assert set(KINDS) <= set(learned.categories)
    assert learned.weights.shape == (len(learned.rows) + 1, len(learned.categories) + 1)
    assert 0 < learned.threshold < 1
    probability, _ = learned.score({})
    assert probability < learned.threshold


def test_each_family_of_features_has_length_one():
    values = features_of(sentences_of(folded("我不想活了。I want to die.")))
    for family in {name[:2] for name in values}:
        assert sum(v * v for n, v in values.items() if n.startswith(family)) == pytest.approx(1)
