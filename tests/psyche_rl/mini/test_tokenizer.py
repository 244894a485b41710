"""The mini world's tokenizer: deterministic, letter by letter, loses no text, agrees with its template."""

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from psyche_rl.chat_prompt import encode_chat
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.mini.cards import TEXTS, mini_cards
from psyche_rl.mini.exam_records import held_out_exam
from psyche_rl.mini.pretraining import TextPair
from psyche_rl.mini.tokenizer import END, PAD, SPECIAL, TURNS, build_tokenizer, encode_pairs, world_tokenizer
from psyche_rl.questions.render import encode_question, question_text
from psyche_rl.records import Message

CARDS = mini_cards()
POSTS = yaml.safe_load((TEXTS / "posts.yaml").read_text("utf-8"))
SIZE = 2000
MANY = settings(max_examples=150, deadline=None)

# What people write, salted with what the tokenizer treats in a way of its own.
PIECES = st.sampled_from(
    [
        "<think>",
        "</think>",
        "A.",
        "是；",
        "答案：ABD",
        "经典条件反射",
        "<0x41>",
        "<|",
        "|>",
        "\n",
        " ",
        "，说的是",
    ]
)
TEXT = st.lists(st.one_of(PIECES, st.text()), max_size=6).map("".join)
PLAIN = TEXT.filter(lambda text: not any(mark in text for mark in SPECIAL))


@pytest.fixture(scope="module")
def tokenizer():
    return world_tokenizer(CARDS, POSTS, SIZE)


def ids(tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False)


def test_the_same_texts_give_the_same_tokenizer(tokenizer):
    again = world_tokenizer(mini_cards(), POSTS, SIZE)
    assert again.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()


def test_it_stays_what_it_is_when_it_is_saved(tokenizer, tmp_path):
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    text = "<think>A.从众是；</think>答案：ABD 🙂"
    assert ids(again, text) == ids(tokenizer, text)
    assert (again.eos_token, again.pad_token) == (END, PAD)
    assert again.decode(ids(again, text), skip_special_tokens=True) == text
    chat = [{"role": "user", "content": "你好"}]
    assert again.apply_chat_template(chat, tokenize=False) == tokenizer.apply_chat_template(
        chat, tokenize=False
    )


def test_an_answer_is_read_letter_by_letter(tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(ids(tokenizer, "答案：ABD"))
    assert tokens[-4:] == ["：", "A", "B", "D"]


def test_names_phrases_and_verdicts_are_whole_tokens(tokenizer):
    for card in CARDS:
        for text in (card.name, *card.phrases):
            assert len(ids(tokenizer, text)) == 1
    assert [len(ids(tokenizer, text)) for text in ("A.", "D.", "是；", "否；", "<think>", "</think>")] == [
        1
    ] * 6


def test_options_are_equally_long_so_a_scan_keeps_step_with_them(tokenizer):
    for question in held_out_exam(CARDS, 0, 20, 0.5, "dev"):
        lines = question_text(question, PromptConfig(instruction="")).split("\n")[1:]
        assert {len(ids(tokenizer, line)) for line in lines} == {2}


def test_the_think_block_stays_when_special_tokens_are_left_out(tokenizer):
    reply = "<think>A.从众是；B.服从否；</think>答案：A"
    assert (
        tokenizer.decode([*ids(tokenizer, reply), tokenizer.eos_token_id], skip_special_tokens=True) == reply
    )


def test_the_marks_of_a_chat_are_special(tokenizer):
    marks = "".join((*TURNS, END, PAD))
    assert len(ids(tokenizer, marks)) == 5
    assert tokenizer.decode(ids(tokenizer, marks), skip_special_tokens=True) == ""


@MANY
@given(PLAIN)
@example("<0x41><0xE4>")
@example("⼥性　Ａ\r\n\x00🙂龘")
def test_any_text_comes_back(tokenizer, text):
    assert tokenizer.decode(ids(tokenizer, text), skip_special_tokens=True) == text


def templated(tokenizer, prompt: str, reply: str) -> tuple[list[int], int]:
    """The same pair by the chat template."""
    user, assistant = Message(role="user", content=prompt), Message(role="assistant", content=reply)
    chat = [m.model_dump() for m in (user, assistant)]
    whole = ids(tokenizer, tokenizer.apply_chat_template(chat, tokenize=False))
    return whole, len(encode_chat(tokenizer, [user]))


@MANY
@given(TEXT, TEXT)
@example("<", "think>")
@example("经典条件", "反射")
def test_pairs_are_encoded_as_the_chat_template_has_it(tokenizer, prompt, reply):
    assert encode_pairs(tokenizer, [TextPair(prompt, reply)]) == [templated(tokenizer, prompt, reply)]


def test_pairs_keep_their_order_and_repeats(tokenizer):
    pairs = [TextPair("一", "二"), TextPair("", "一"), TextPair("一", "三"), TextPair("一", "二")]
    assert encode_pairs(tokenizer, pairs) == [templated(tokenizer, pair.prompt, pair.reply) for pair in pairs]


def test_what_the_reply_began_with_is_given(tokenizer):
    ((begun, given),) = encode_pairs(tokenizer, [TextPair("核对从众", "是；", begun="从众")])
    whole, asked = templated(tokenizer, "核对从众", "从众是；")
    assert (begun, given) == (whole, asked + 1)


def test_a_question_is_encoded_as_the_pages_encode_it(tokenizer):
    (question, *_) = held_out_exam(CARDS, 0, 5, 0.5, "dev")
    prompt = PromptConfig(instruction="")
    ((pair, given_length),) = encode_pairs(tokenizer, [TextPair(question_text(question, prompt), "")])
    assert encode_question(tokenizer, question, prompt) == tuple(pair[:given_length])


def test_a_system_message_has_a_turn_of_its_own(tokenizer):
    chat = [Message(role="system", content="甲"), Message(role="user", content="乙")]
    tokens = tokenizer.convert_ids_to_tokens(list(encode_chat(tokenizer, chat)))
    assert tokens == ["<|system|>", "甲", "<|user|>", "乙", "<|assistant|>"]


def test_names_use_up_no_merges():
    texts = ["经典条件反射与操作性条件反射"] * 20
    with_names = build_tokenizer(texts, ["经典条件反射", "操作性条件反射"], 400)
    merged = {token for token in with_names.get_vocab() if len(token) > 1 and "条件" in token}
    assert merged == {"经典条件反射", "操作性条件反射"}
