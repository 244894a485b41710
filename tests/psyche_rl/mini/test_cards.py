"""The texts that ship with the mini world, and the check that questions are based on."""

from collections import Counter
from dataclasses import replace

import pytest
import yaml

from psyche_rl.mini.cards import TEXTS, Card, check_cards, load_cards, mini_cards, owners

CARDS = mini_cards()
ONE = Card(
    "从众",
    "社会心理学",
    "从众是指屈从于群体压力，它由阿希用线段实验证实。",
    ("屈从于群体压力", "用线段实验证实"),
)
TWO = Card(
    "服从",
    "社会心理学",
    "服从是指听命于权威，它由米尔格拉姆用电击实验证实。",
    ("听命于权威", "用电击实验证实"),
)


def test_there_are_72_cards_with_six_phrases_and_texts_of_a_paragraph():
    assert len(CARDS) == 72
    assert {len(card.phrases) for card in CARDS} == {6}
    assert all(120 <= len(card.text) <= 400 for card in CARDS)
    assert all(card.name in card.text for card in CARDS)
    assert all(card.field for card in CARDS)


def test_phrases_stand_verbatim_in_their_own_text_and_in_no_other():
    for card in CARDS:
        for phrase in card.phrases:
            assert [c.name for c in CARDS if phrase in c.text] == [card.name]


def test_no_phrase_is_part_of_another():
    phrases = [phrase for card in CARDS for phrase in card.phrases]
    assert max(Counter(phrases).values()) == 1
    assert [(p, q) for p in phrases for q in phrases if p != q and p in q] == []


def test_cards_are_confused_with_other_cards():
    names = {card.name for card in CARDS}
    assert all(set(card.confused_with) <= names - {card.name} for card in CARDS)


def test_owners_lead_from_each_phrase_to_its_concept():
    assert owners([ONE, TWO])["听命于权威"] == "服从"
    assert len(owners(CARDS)) == 72 * 6


def test_there_are_44_posts_with_a_plain_and_an_empathetic_reply():
    posts = yaml.safe_load((TEXTS / "posts.yaml").read_text("utf-8"))
    assert len(posts) == 44
    assert len({post["id"] for post in posts}) == 44
    assert all(post[field].strip() for post in posts for field in ("topic", "post", "reply", "empathetic"))
    assert all(post["reply"] != post["empathetic"] for post in posts)


@pytest.mark.parametrize(
    ("cards", "words"),
    [
        ([ONE, replace(TWO, name="从众")], r"concept names repeat: \['从众'\]"),
        ([replace(ONE, phrases=("没有这句",))], "从众: '没有这句' is not in the card's text"),
        (
            [ONE, replace(TWO, text=TWO.text + ONE.text, phrases=ONE.phrases)],
            "a phrase of both 从众 and 服从",
        ),
        ([ONE, replace(TWO, text=TWO.text + ONE.text)], "a phrase of 从众 but stands in 服从, too"),
    ],
)
def test_cards_that_make_keys_doubtful_are_refused(cards, words):
    with pytest.raises(ValueError, match=words):
        check_cards(cards)


def test_card_files_are_read_and_checked(tmp_path):
    row = {"name": "从众", "field": "社会心理学", "text": f" {ONE.text}\n", "phrases": list(ONE.phrases)}
    path = tmp_path / "cards.yaml"
    path.write_text(yaml.safe_dump([row], allow_unicode=True), "utf-8")
    assert load_cards([path]) == [ONE]
    with pytest.raises(ValueError, match="names repeat"):
        load_cards([path, path])
