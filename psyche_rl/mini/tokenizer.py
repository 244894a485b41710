"""The tokenizer of the mini world: a small BPE over Chinese runs, with names and key phrases as whole tokens.

Role: ``world_tokenizer`` returns a Hugging Face fast tokenizer with a chat template.
Invariants:
- Deterministic: the same texts and names, in the same order, give the same vocabulary.
- Letters, digits, punctuation and line breaks stand alone, so ``答案：ABD`` is read letter by letter and no
  token crosses the border of an option.
- ``<think>``, ``</think>``, names and phrases are added tokens but not special ones:
  ``decode(skip_special_tokens=True)`` keeps them, so rewards that read text see the think block.
- No text is unknown: characters outside the vocabulary fall back to bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from psyche_rl.mini.cards import Card
from psyche_rl.mini.pretraining import TextPair
from psyche_rl.mini.world import FRAMES, PREFIX, VERDICTS

PAD, END = "<|pad|>", "<|end|>"
TURNS = ("<|system|>", "<|user|>", "<|assistant|>")
THINK = ("<think>", "</think>")
SPECIAL = (PAD, END, *TURNS)
BYTES = tuple(f"<0x{value:02X}>" for value in range(256))
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def build_tokenizer(
    texts: Iterable[str], names: Sequence[str], vocab_size: int = 2500
) -> PreTrainedTokenizerFast:
    """Train on ``texts``; ``vocab_size`` counts everything but the names and think marks."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[^\p{Han}]"), behavior="isolated")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=[*SPECIAL, *BYTES],
        initial_alphabet=list("ABCDEFabcdef0123456789 \n是否答案：；，。（）.单多选题"),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_without(texts, names), trainer)
    tokenizer = _bytes_by_fallback_only(tokenizer)
    whole = [AddedToken(text, special=False, normalized=False) for text in (*THINK, *names)]
    tokenizer.add_tokens(whole)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=list(TURNS),
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )


def _bytes_by_fallback_only(tokenizer: Tokenizer) -> Tokenizer:
    """The trainer takes byte tokens only as special ones; the literal text ``<0x41>`` must not match them."""
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if token["content"] not in BYTES]
    return Tokenizer.from_str(json.dumps(state))


def _without(texts: Iterable[str], names: Sequence[str]) -> Iterable[str]:
    """Cut concept names out of the training texts: as whole tokens they must not use up merges."""
    longest_first = sorted(names, key=len, reverse=True)
    for text in texts:
        rest = text
        for name in longest_first:
            rest = rest.replace(name, "\n")
        yield rest


def encode_pairs(
    tokenizer: PreTrainedTokenizerFast, pairs: Iterable[TextPair]
) -> list[tuple[list[int], int]]:
    """(token ids, number of ids given) of each pair: the prompt as the user's turn, the rest the assistant's.

    The same ids as the chat template gives, many times faster: pairs repeat, so each text is encoded once.
    """
    chosen = list(pairs)
    given = _encode_each(
        tokenizer, {(p.prompt, p.begun): f"<|user|>{p.prompt}<|assistant|>{p.begun}" for p in chosen}
    )
    said = _encode_each(tokenizer, {(p.reply,): f"{p.reply}{END}" for p in chosen})
    found = []
    for pair in chosen:
        prompt = given[pair.prompt, pair.begun]
        found.append((prompt + said[pair.reply,], len(prompt)))
    return found


def _encode_each(
    tokenizer: PreTrainedTokenizerFast, texts: Mapping[tuple[str, ...], str]
) -> dict[tuple[str, ...], list[int]]:
    ids = tokenizer(list(texts.values()), add_special_tokens=False)["input_ids"]
    return dict(zip(texts, ids, strict=True))


def world_tokenizer(
    cards: Sequence[Card], posts: Sequence[Mapping[str, str]], vocab_size: int
) -> PreTrainedTokenizerFast:
    """The tokenizer of the mini world's texts; names and key phrases are tokens, so prompts are short."""
    frames = [f"{prefix}：{frame}" for prefix in PREFIX.values() for frame in FRAMES]
    told = [row[field] for row in posts for field in ("post", "reply", "empathetic")]
    texts = [card.text for card in cards] + told + frames
    whole = (
        [c.name for c in cards]
        + [p for c in cards for p in c.phrases]
        + [f"{c}." for c in "ABCD"]
        + list(VERDICTS)
    )
    return build_tokenizer(texts, whole, vocab_size)
