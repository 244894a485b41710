"""What the templates of published models make of a chat, and whether they open the think block."""

import pytest
from chat_templates import FAMILIES, family_tokenizer

from psyche_rl.chat_prompt import chat_prompt, encode_chat, left_out, opened_think
from psyche_rl.errors import ChatTemplateError
from psyche_rl.records import Message

OPENS = {"qwen3-thinking", "qwq", "r1-distill", "r1-distill, special tags"}


def chat(*turns: str) -> list[Message]:
    """``u`` a user's turn, ``a`` the assistant's, ``s`` the system's, each with the words after it."""
    roles = {"u": "user", "a": "assistant", "s": "system"}
    return [Message(role=roles[turn[0]], content=turn[1:]) for turn in turns]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_rendered_prompt_tells_whether_a_think_block_is_open(family):
    tokenizer = family_tokenizer(family)
    expected = "<think>\n" if family in OPENS else ""
    assert opened_think(tokenizer) == expected
    several = chat_prompt(tokenizer, chat("u问", "a<think>想</think>答", "u再问"))
    assert several.opened == expected
    assert several.text.endswith(several.opened)
    assert several.ids == tuple(tokenizer.encode(several.text, add_special_tokens=False))
    assert tokenizer.decode(several.ids) == several.text
    assert encode_chat(tokenizer, chat("u问")) == chat_prompt(tokenizer, chat("u问")).ids


@pytest.mark.parametrize("said", ["请写<think>", "请写<think>\n", "在<think></think>里想，写<think>"])
def test_a_tag_that_the_user_wrote_opens_nothing(said):
    bare, opening = family_tokenizer("deaf"), family_tokenizer("qwq")
    assert chat_prompt(bare, chat(f"u{said}")).opened == ""
    assert chat_prompt(opening, chat(f"u{said}")).opened == "<think>\n"
    assert chat_prompt(family_tokenizer("qwen2.5"), chat(f"u{said}")).opened == ""


def test_a_block_that_the_template_closes_again_is_not_open():
    tokenizer = family_tokenizer("qwen3")
    tokenizer.chat_template = "{% set enable_thinking = false %}" + tokenizer.chat_template
    prompt = chat_prompt(tokenizer, chat("u问"))
    assert prompt.text.endswith("<think>\n\n</think>\n\n")
    assert prompt.opened == ""


@pytest.mark.parametrize(
    ("family", "turns", "told"),
    [
        ("gemma", ("s说明", "u问"), "fails for system, user: System role not supported"),
        ("gemma", ("u问", "u再问"), "fails for user, user: Conversation roles must alternate"),
        ("mistral", ("a好", "u问"), "fails for assistant, user: Conversation roles must alternate"),
        (None, ("u问",), "fails for user: .*chat_template"),
    ],
)
def test_a_template_that_refuses_is_one_line_with_its_own_words(family, turns, told):
    tokenizer = family_tokenizer(family or "deaf")
    if family is None:
        tokenizer.chat_template = None
    with pytest.raises(ChatTemplateError, match=told) as caught:
        chat_prompt(tokenizer, chat(*turns))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("family", "lost"), [("deaf", "system"), ("qwen2.5", None), ("llama3", None), ("r1-distill", None)]
)
def test_a_turn_that_is_passed_over_is_found(family, lost):
    turns = chat("s 说明 ", "u问", "a<think>想</think>答", "u再问")
    found = left_out(chat_prompt(family_tokenizer(family), turns), turns)
    assert (found.role if found else None) == lost
