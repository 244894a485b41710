"""How a question is put to a policy."""

from __future__ import annotations

from psyche_rl.config.base import Section

PAPER_INSTRUCTION = "请先在<think></think>标签中逐步思考，然后给出答案。"


class PromptConfig(Section):
    """The words around a question. The paper's exact prompt is not public; this is our wording."""

    instruction: str = PAPER_INSTRUCTION
    """Put before the question; empty for none."""
    kind_prefix: bool = True
    """Begin with 单选题 or 多选题."""
