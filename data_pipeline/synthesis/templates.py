"""A request to the teacher with one prompt; ``data_pipeline.domains`` holds the prompts."""

from __future__ import annotations

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import ChatRequest


def request(teacher: TeacherConfig, prompt: str, sample: int) -> ChatRequest:
    """One user message to the teacher."""
    return ChatRequest(
        model=teacher.model,
        messages=(("user", prompt),),
        temperature=teacher.temperature,
        max_tokens=teacher.max_tokens,
        sample=sample,
    )
