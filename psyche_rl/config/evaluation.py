"""Evaluation on the held-out exam."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator

from psyche_rl.config.base import Contradiction, MayChange, Section, SpeedOnly
from psyche_rl.config.bounds import (
    Count,
    CountOrNone,
    ProcessesOrAuto,
    Temperature,
    Tokens,
    VariableName,
)
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.selection import is_remote, model_or_endpoint


class AnswerJudgeConfig(Section):
    """The model that is asked which letters a reply commits to, where the rules cannot tell.

    Its calls have the limits, prices and budget of the teacher's.
    """

    model: str | None = None
    """Hugging Face folder or name, for engines of this cluster in the places and with the settings of
    ``eval.engine``; or an endpoint as ``http(s)://host/v1#model``."""
    api_key_env: Annotated[
        VariableName, SpeedOnly("a key opens the server, and does not change its answers")
    ] = "OPENAI_API_KEY"
    """Name of the environment variable with the key of an endpoint."""
    max_tokens: Tokens = 512

    @field_validator("model")
    @classmethod
    def _names_its_model(cls, model: str | None) -> str | None:
        return model if model is None else model_or_endpoint(model)


class EvalConfig(Section):
    """Greedy by default; intervals are percentile bootstrap over questions."""

    workers: Annotated[ProcessesOrAuto, MayChange("batches of another make-up round differently")] = 1
    """vLLM engines that answer side by side."""
    temperature: Temperature = 0.0
    max_tokens: Tokens = 1024
    extraction: Literal["rules", "rules+judge"] = "rules"
    """Who reads the letters of a reply: the rules alone, as in training, or where these find nothing or two
    things a model as well."""
    judge: AnswerJudgeConfig = AnswerJudgeConfig()
    bootstrap_samples: Count = 2000
    confidence: float = Field(0.95, gt=0, lt=1)
    rollout_samples: CountOrNone = 20
    """Sample rollouts shown side by side in the report."""
    engine: EngineConfig = EngineConfig()
    """What differs from the section ``engine``."""

    @property
    def judge_model(self) -> str | None:
        """The judge that is asked, if one is."""
        return self.judge.model if self.extraction == "rules+judge" else None

    @property
    def judge_on_engines(self) -> str | None:
        """The judge that engines of this cluster load, if they do."""
        model = self.judge_model
        return None if model is None or is_remote(model) else model

    def contradictions(self) -> Iterator[Contradiction]:
        """A judge who is asked has a name, and room for the question."""
        if self.extraction == "rules+judge" and self.judge.model is None:
            yield Contradiction(
                ("judge.model", "extraction"),
                None,
                "with extraction=rules+judge a model is asked",
                "name it, or set extraction=rules",
            )
        if self.judge_on_engines and self.judge.max_tokens >= self.engine.max_model_len:
            yield Contradiction(
                ("judge.max_tokens", "engine.max_model_len"),
                self.judge.max_tokens,
                f"engine.max_model_len={self.engine.max_model_len} leaves no room for a prompt",
                "lower judge.max_tokens or raise engine.max_model_len",
            )
