import pytest

from data_pipeline.text.question_rules import option_clash
from data_pipeline.text.spans import locate

TEXT = "⼥性更易患病（约占60％）。他说：“记忆 分为编码、储存。”"


@pytest.mark.parametrize(
    ("span", "found"),
    [
        ("记忆 分为编码", "记忆 分为编码"),
        ("记忆分为编码,储存", "记忆 分为编码、储存"),
        ("女性更易患病(约占60%)", "⼥性更易患病（约占60％）"),
        ('"记忆分为', "“记忆 分为"),
        ("男性更易患病", None),
        ("", None),
        (" \u3000", None),
    ],
)
def test_spans_are_found_however_they_are_spelled(span, found):
    assert locate(span, TEXT) == found


@pytest.mark.parametrize(
    ("options", "gold", "said"),
    [
        (("甲", "乙"), "A", None),
        (("甲", "⼥", "女"), "A", "options B and C are the same"),
        (("ＡＢＣ", "乙", "abc"), "C", "distractor A equals the right option C"),
        (("甲", "甲 ", "丙"), "AB", "options A and B are the same"),
        (("", ""), "A", None),
    ],
)
def test_options_that_say_the_same_are_named(options, gold, said):
    assert option_clash(options, gold) == said
