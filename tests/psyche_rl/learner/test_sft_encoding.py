"""A reply to imitate goes on where the chat template ends."""

import pytest
from chat_templates import family_tokenizer

from psyche_rl.errors import ModelError
from psyche_rl.learner.sft_encoding import encode_examples
from psyche_rl.records import Message, SftExample

REPLY = "<think>想</think>答案：A"


class Tokenizer:
    eos_token_id, name_or_path = 0, "chars"

    def __init__(self, ending: str) -> None:
        self.ending = ending

    def apply_chat_template(self, chat, add_generation_prompt, tokenize):
        return "".join(m["content"] for m in chat) + self.ending

    def encode(self, text, add_special_tokens):
        return [ord(c) for c in text]


@pytest.mark.parametrize(
    ("ending", "reply"),
    [
        ("", REPLY),
        ("<think>\n", "想</think>答案：A"),
        ("<think>", "想</think>答案：A"),
        ("<Think a='b'>\n", "想</think>答案：A"),
        ("<think></think>", REPLY),
        ("思考", REPLY),
    ],
)
def test_a_think_block_is_opened_once(ending, reply):
    messages = (Message(role="user", content="问"), Message(role="assistant", content=REPLY))
    example = SftExample(id="x", kind="reasoning", messages=messages, source_id="s")
    ([sequence], []) = encode_examples(Tokenizer(ending), [example], 99, "f.parquet")
    *text, end = sequence.input_ids.tolist()
    assert ("".join(map(chr, text)), end) == (f"问{ending}{reply}", 0)
    assert sequence.prompt_length == len(f"问{ending}")


def encoded(family, *turns, reply=REPLY, most=500):
    """(prompt, reply) as the tokenizer reads them back, or why the row is set aside."""
    tokenizer = family_tokenizer(family)
    messages = tuple(Message(role=role, content=said) for role, said in turns)
    messages += (Message(role="assistant", content=reply),) if reply is not None else ()
    example = SftExample(id="x", kind="reasoning", messages=messages, source_id="s")
    kept, left = encode_examples(tokenizer, [example], most, "f.parquet")
    if left:
        assert (list(kept), left[0].stage, left[0].source, left[0].row) == ([], "sft", "f.parquet", 0)
        assert SftExample.model_validate_json(left[0].content) == example
        return left[0].reason
    assert kept[0].name == "row 0 of f.parquet"
    *ids, end = kept[0].input_ids.tolist()
    assert end == tokenizer.eos_token_id
    cut = kept[0].prompt_length
    return tokenizer.decode(ids[:cut]), tokenizer.decode(ids[cut:])


@pytest.mark.parametrize("family", ["qwen3-thinking", "qwq", "r1-distill", "r1-distill, special tags"])
@pytest.mark.parametrize(
    ("reply", "goes_on"),
    [
        (REPLY, "想</think>答案：A"),
        ("<think>\n想</think>答案：A", "想</think>答案：A"),
        (" <thinking>想</thinking>答", "想</thinking>答"),
        ("想</think>答", "想</think>答"),
        ("我理解你。", "\n</think>\n\n我理解你。"),
    ],
)
def test_a_reply_goes_on_inside_the_block_that_the_template_opened(family, reply, goes_on):
    prompt, said = encoded(family, ("user", "问"), reply=reply)
    assert prompt.endswith("<think>\n")
    assert said == goes_on


def test_a_block_opened_without_a_line_end_is_closed_as_the_others_are():
    messages = (Message(role="user", content="问"), Message(role="assistant", content="我理解你。"))
    example = SftExample(id="x", kind="empathy", messages=messages, source_id="s")
    ([sequence], []) = encode_examples(Tokenizer("<think>"), [example], 99, "f.parquet")
    text = "".join(map(chr, sequence.input_ids.tolist()[:-1]))
    assert text == "问<think>\n\n</think>\n\n我理解你。"


@pytest.mark.parametrize("family", ["qwen2.5", "qwen3", "llama3", "gemma", "mistral", "chatglm"])
@pytest.mark.parametrize("reply", [REPLY, "我理解你。"])
def test_where_nothing_is_opened_a_reply_stays_as_it_is(family, reply):
    assert encoded(family, ("user", "问"), reply=reply)[1] == reply


def test_earlier_replies_lose_their_block_where_the_template_says_so():
    turns = (("user", "一"), ("assistant", "<think>想</think>二"), ("user", "三"))
    prompt, said = encoded("r1-distill", *turns)
    assert (
        prompt == "<s><｜User｜>一<｜Assistant｜>二<｜end▁of▁sentence｜><｜User｜>三<｜Assistant｜><think>\n"
    )
    assert said == "想</think>答案：A"


@pytest.mark.parametrize(
    ("family", "turns", "reply", "told"),
    [
        ("qwen2.5", (("assistant", "您好"), ("user", "问")), "答", "begins with the assistant's turn"),
        ("gemma", (("system", "说明"), ("user", "问")), "答", "System role not supported"),
        ("mistral", (("user", "问"), ("user", "再问")), "答", "roles must alternate"),
        ("deaf", (("system", "说明"), ("user", "问")), "答", "leaves out its system turn"),
        ("qwen2.5", (("user", "问"),), None, "no prompt followed by an assistant message"),
        ("qwen2.5", (), "答", "no prompt followed by an assistant message"),
    ],
)
def test_rows_that_no_prompt_can_be_made_of_are_set_aside(family, turns, reply, told):
    assert told in encoded(family, *turns, reply=reply)


def test_what_is_too_long_is_set_aside_to_the_token():
    family, turn = "deaf", ("user", "ab")
    assert encoded(family, turn, reply="c", most=5) == ("ab\n", "c")
    assert encoded(family, turn, reply="c", most=4) == "5 tokens, more than 4"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [({"chat_template": None}, "chat template fails"), ({"eos_token": None}, "no eos_token")],
)
def test_a_model_that_takes_no_row_is_one_error_and_no_quarantine(spoil, told):
    tokenizer = family_tokenizer("qwen2.5")
    for name, value in spoil.items():
        setattr(tokenizer, name, value)
    with pytest.raises(ModelError, match=told):
        encode_examples(tokenizer, [], 9, "f.parquet")
