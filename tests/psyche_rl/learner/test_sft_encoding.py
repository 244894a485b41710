"""A reply to imitate goes on where the chat template ends."""

import pytest

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
    [("", REPLY), ("<think>\n", "想</think>答案：A"), ("<think></think>", REPLY), ("思考", REPLY)],
)
def test_a_think_block_is_opened_once(ending, reply):
    messages = (Message(role="user", content="问"), Message(role="assistant", content=REPLY))
    example = SftExample(id="x", kind="reasoning", messages=messages, source_id="s")
    ([sequence], []) = encode_examples(Tokenizer(ending), [example], 99, "f.parquet")
    *text, end = sequence.input_ids.tolist()
    assert ("".join(map(chr, text)), end) == (f"问{ending}{reply}", 0)
    assert sequence.prompt_length == len(f"问{ending}")
