"""The LLM that writes questions, rationales and empathetic replies."""

from __future__ import annotations

from pydantic import Field

from psyche_rl.config.base import Section


class TeacherConfig(Section):
    """Any OpenAI-compatible server. Without ``base_url`` the mini world's scripted teacher is started."""

    base_url: str | None = None
    model: str = "scripted-teacher"
    api_key_env: str = "OPENAI_API_KEY"
    """Name of the environment variable that holds the key; the key itself is never written anywhere."""
    temperature: float = 0.7
    max_tokens: int = 2048
    max_in_flight: int = Field(64, ge=1)
    timeout_s: float = 120.0
    attempts: int = Field(6, ge=1)
    """Tries per call on 429, 5xx, timeouts and broken connections, with backoff and Retry-After."""
