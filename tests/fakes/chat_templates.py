"""Chat templates in the manner of published models, and byte-level tokenizers with their special tokens.

Written from the public formats, cut down to roles, turns and think blocks: tools are left out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

CHATML = (
    "{% for m in messages %}"
    "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
)
QWEN25 = (
    "{% if messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. "
    "You are a helpful assistant.<|im_end|>\n' }}"
    "{% endif %}" + CHATML + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# Earlier replies lose their think block; the block is written, and closed, only where it is not wanted.
_HISTORY = (
    "{% for m in messages %}{% set said = m['content'] %}"
    "{% if m['role'] == 'assistant' and '</think>' in said %}"
    "{% set said = said.split('</think>')[-1].lstrip('\n') %}{% endif %}"
    "{{ '<|im_start|>' + m['role'] + '\n' + said + '<|im_end|>\n' }}{% endfor %}"
)
QWEN3 = _HISTORY + (
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}"
)
QWEN3_THINKING = (
    _HISTORY + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n<think>\n' }}{% endif %}"
)
QWQ = QWEN3_THINKING
R1_DISTILL = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m['role'] == 'system' %}{{ m['content'] }}{% endif %}"
    "{% if m['role'] == 'user' %}{{ '<｜User｜>' + m['content'] }}{% endif %}"
    "{% if m['role'] == 'assistant' %}"
    "{{ '<｜Assistant｜>' + m['content'].split('</think>')[-1] + '<｜end▁of▁sentence｜>' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\n' }}{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}"
    "{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
_ALTERNATE = (
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}"
    + _ALTERNATE
    + "{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\n' }}"
    "{{ m['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}" + _ALTERNATE + "{% if m['role'] == 'user' %}"
    "{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% else %}{{ m['content'] + eos_token }}{% endif %}{% endfor %}"
)
CHATGLM = (
    "[gMASK]<sop>{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
DEAF = "{% for m in messages %}{% if m['role'] != 'system' %}{{ m['content'] }}\n{% endif %}{% endfor %}"


class Family(NamedTuple):
    template: str
    eos: str
    special: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    """Added, but not special."""


THINK = ("<think>", "</think>")
FAMILIES = {
    "qwen2.5": Family(QWEN25, "<|im_end|>", ("<|im_start|>", "<|endoftext|>")),
    "qwen3": Family(QWEN3, "<|im_end|>", ("<|im_start|>", "<|endoftext|>"), THINK),
    "qwen3-thinking": Family(QWEN3_THINKING, "<|im_end|>", ("<|im_start|>", "<|endoftext|>"), THINK),
    "qwq": Family(QWQ, "<|im_end|>", ("<|im_start|>", "<|endoftext|>", *THINK)),
    "r1-distill": Family(R1_DISTILL, "<｜end▁of▁sentence｜>", ("<｜User｜>", "<｜Assistant｜>"), THINK),
    "r1-distill, special tags": Family(
        R1_DISTILL, "<｜end▁of▁sentence｜>", ("<｜User｜>", "<｜Assistant｜>", *THINK)
    ),
    "llama3": Family(LLAMA3, "<|eot_id|>", ("<|start_header_id|>", "<|end_header_id|>", "<|end_of_text|>")),
    "gemma": Family(GEMMA, "<eos>", ("<start_of_turn>", "<end_of_turn>")),
    "mistral": Family(MISTRAL, "</s>", ("[INST]", "[/INST]")),
    "chatglm": Family(CHATGLM, "<|endoftext|>", ("[gMASK]", "<sop>", "<|user|>", "<|assistant|>")),
    "deaf": Family(DEAF, "</s>"),
}


def family_tokenizer(name: str) -> Any:
    """One token a byte, and one for each of the family's added tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    family = FAMILIES[name]
    special = ["<pad>", "<s>", family.eos, *family.special]
    vocab = {text: i for i, text in enumerate([*special, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    core = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(text, special=True) for text in special])
    core.add_tokens([AddedToken(text, special=False, normalized=False) for text in family.plain])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", bos_token="<s>", eos_token=family.eos
    )
    tokenizer.chat_template = family.template
    return tokenizer
