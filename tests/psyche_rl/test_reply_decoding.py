"""One decoder: think tags stay whatever the tokenizer calls them, what ends a turn goes."""

import pytest
from chat_templates import FAMILIES, family_tokenizer

from psyche_rl.reply_decoding import ReplyDecoder
from rewards import RewardSample, ThinkFormat

REPLY = "<think>想，I think</think>答案：B"


def tokens(tokenizer, *texts):
    return [i for text in texts for i in tokenizer.encode(text, add_special_tokens=False)]


@pytest.mark.parametrize("family", FAMILIES)
def test_tags_stay_and_ends_and_padding_go(family):
    tokenizer = family_tokenizer(family)
    ids = tokens(tokenizer, REPLY, FAMILIES[family].eos, "<pad>", *FAMILIES[family].special[:1])
    text = ReplyDecoder(tokenizer).text(ids)
    assert text == REPLY
    sample = RewardSample(id="1", response=text, gold="B", kind="single")
    assert ThinkFormat().score(sample).value == 1.0


def test_special_tags_alone_would_be_stripped():
    tokenizer = family_tokenizer("qwq")
    assert tokenizer.decode(tokens(tokenizer, REPLY), skip_special_tokens=True) == "想，I think答案：B"


@pytest.mark.parametrize("family", ["qwen2.5", "qwq"])
def test_a_stop_that_is_no_special_token_is_left_out(family):
    tokenizer = family_tokenizer(family)
    (stop,) = tokens(tokenizer, "!")
    assert ReplyDecoder(tokenizer).text(tokens(tokenizer, "答!")) == "答!"
    assert ReplyDecoder(tokenizer, (stop,)).text(tokens(tokenizer, "答!")) == "答"


@pytest.mark.parametrize("family", ["qwen2.5", "qwq"])
def test_what_the_template_opened_stands_before_the_reply(family):
    tokenizer = family_tokenizer(family)
    decoder = ReplyDecoder(tokenizer, ())
    assert decoder.text(tokens(tokenizer, "想</think>答"), "<think>\n") == "<think>\n想</think>答"
    assert decoder.text([], "<think>") == "<think>"


def test_a_tag_that_ends_the_turn_by_mistake_is_still_read():
    tokenizer = family_tokenizer("qwq")
    (close,) = tokens(tokenizer, "</think>")
    assert ReplyDecoder(tokenizer, (close,)).text(tokens(tokenizer, REPLY)) == REPLY
