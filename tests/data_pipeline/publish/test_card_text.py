"""A dataset card shows what names, sources and licences hold, and does nothing of it."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from planted_text import PLANTED, steers

from data_pipeline.publish.card import RunFacts, SetFacts, dataset_card
from data_pipeline.publish.card_text import card_text, code, code_block

PLANTS = [
    "<script>alert(1)</script>",
    "[here](javascript:alert(1))",
    "![x](http://evil/pixel.png)",
    "a | b\n| c | d |\n\n# heading",
    "`code` **bold** ``` \n---\nlicense: mit",
    "&lt;b&gt; <!-- " + PLANTED,
]
MARKS = MarkdownIt("commonmark", {"html": True}).enable("table")
DOMAIN = {"card": {"languages": ["zh\n- en"], "tags": ["a: b"], "summary": PLANTS[0], "caution": PLANTS[1]}}


def tags(page):
    """The HTML tags that a renderer makes of a page."""
    return re.findall(r"<(\w+)", MARKS.render(page))


def rows(planted):
    row = {"id": "1", "kind": planted, "source": planted, "licence": planted}
    named = {name: SetFacts() for name in ("sft", "grpo", "dialogues")}
    named["sft"].see(row)
    return named


@pytest.mark.parametrize("planted", PLANTS)
def test_a_planted_value_changes_no_element_of_the_page(planted):
    def page(text):
        facts = RunFacts(
            text, {"teacher": {"model": text}, "x": text}, {text: {text: 1}}, {(text, text): 1},
            {"settings": {"ngram": text, "share": 1, "jaccard": 1}, "compared": {text: 1}, "removed": {},
             "sets": {text: {"items": 1, "matches": {text: 1}}}},
            {text: text}, DOMAIN,
        )  # fmt: skip
        return dataset_card(text, rows(text), facts)

    made = page(planted)
    header = yaml.safe_load(made.split("\n---\n")[0])
    assert (header["pretty_name"], header["language"]) == (planted, DOMAIN["card"]["languages"])
    assert header["license"] == ["other"]
    body = made.split("\n---\n", 1)[1]
    assert tags(body) == tags(page("plain").split("\n---\n", 1)[1])
    assert not steers(body)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_is_a_cell_of_its_own(text):
    cells = f"| a | b |\n|---|---|\n| {card_text(text)} | {code(text)} |\n"
    assert tags(cells) == tags("| a | b |\n|---|---|\n| x | `x` |\n")
    assert MARKS.render(code_block(text, "yaml")).count("<code") == 1


def test_numbers_stay_and_names_are_escaped():
    assert [card_text(3), str(card_text("data_file-1.jsonl (甲)")), card_text(None)] == [
        3, "data\\_file-1.jsonl (甲)", None,
    ]  # fmt: skip
