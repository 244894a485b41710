"""The prompts put to the teacher: the folder ``prompts/``, and a request with one of them.

Collaborators: ``psyche_rl.prompt_folder``.
"""

from __future__ import annotations

from pathlib import Path

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import ChatRequest
from psyche_rl.prompt_folder import PromptFolder

_PROMPTS = PromptFolder(Path(__file__).parent / "prompts")
render, version = _PROMPTS.render, _PROMPTS.version


def request(teacher: TeacherConfig, prompt: str, sample: int) -> ChatRequest:
    """One user message to the teacher."""
    return ChatRequest(
        model=teacher.model,
        messages=(("user", prompt),),
        temperature=teacher.temperature,
        max_tokens=teacher.max_tokens,
        sample=sample,
    )
