"""``psyche-rl bench run MODEL key=value …``: what a benchmark run is told beside its model and benchmarks.

Collaborators: ``launch.bench`` runs by it; a benchmark's own description says the rest.
Invariant: an unknown key is an error that names the nearest one. None of these is a key of a run's config.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from psyche_rl.config.base import Contradiction, RefusedValueError, Section
from psyche_rl.config.bounds import (
    Count,
    Processes,
    ProcessesOrAuto,
    Seconds,
    Temperature,
    Tokens,
    VariableName,
)
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.keys import renamed
from psyche_rl.config.nearest import nearest
from psyche_rl.config.overrides import apply_overrides
from psyche_rl.config.request_body import ExtraBody, OmittedField
from psyche_rl.config.secrets_in_config import secrets_in
from psyche_rl.config.selection import is_remote, model_or_endpoint
from psyche_rl.config.teacher import BudgetConfig, PriceConfig, TeacherConfig
from psyche_rl.errors import ConfigError
from psyche_rl.masking import know

_KEYS = {"teacher.max_tokens": "judge.max_tokens", "teacher.vllm.": "engine.", "teacher.": "calls."}
"""Keys of a run's config that errors name -> those of this command."""


class BenchCalls(Section):
    """Calls to endpoints, the model's and the judges'."""

    max_in_flight: Processes = 64
    timeout_s: Seconds = 120.0
    attempts: int = Field(6, ge=1, le=1000)
    prices: dict[str, PriceConfig] = Field({})
    """Model name -> price per million tokens."""
    currency: str = "USD"
    budget: BudgetConfig = BudgetConfig()
    """What all calls of an output folder may use together."""
    extra_body: ExtraBody = Field({})
    """Fields for every request to the model, such as reasoning_effort."""
    omit: tuple[OmittedField, ...] = ()
    """Fields that the model's server refuses."""

    def to(self, endpoint: str, api_key_env: str, temperature: float, max_tokens: int) -> TeacherConfig:
        """The client's settings for calls to ``address#model``."""
        limits = TeacherConfig(
            max_in_flight=self.max_in_flight,
            timeout_s=self.timeout_s,
            attempts=self.attempts,
            prices=self.prices,
            currency=self.currency,
            budget=self.budget,
        )
        return limits.for_endpoint(endpoint, api_key_env, temperature, max_tokens)

    def to_engines(self, model: str, engine: EngineConfig, engines: int, max_tokens: int) -> TeacherConfig:
        """The client's settings for greedy calls to so many engines on a folder; they cost nothing."""
        return TeacherConfig(
            engine="vllm",
            model=model,
            temperature=0.0,
            max_tokens=max_tokens,
            vllm=engine,
            vllm_engines=engines,
            max_in_flight=self.max_in_flight,
            timeout_s=self.timeout_s,
            attempts=self.attempts,
        )


class BenchJudges(Section):
    """Who judges open replies: folders or names for engines of this cluster, endpoints as
    ``http(s)://host/v1#model``. Without any, nothing is judged."""

    models: tuple[str, ...] = ()
    api_key_env: VariableName = "OPENAI_API_KEY"
    max_tokens: Tokens = 1024

    @field_validator("models", mode="before")
    @classmethod
    def _one_is_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("models")
    @classmethod
    def _name_their_models(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(models)) < len(models):
            raise RefusedValueError("names a judge twice", "name each once")
        return tuple(map(model_or_endpoint, models))


class BenchConfig(Section):
    """Sampling that is not given here is the benchmark's."""

    seed: int = 0
    samples: Processes | None = None
    """Replies to each item."""
    temperature: Temperature | None = None
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: Tokens | None = None
    limit: Count | None = None
    """Only so many items of each benchmark, evenly over it; their figures are none of the benchmark."""
    api_key_env: VariableName = "OPENAI_API_KEY"
    """Name of the environment variable with the key of the model's endpoint."""
    calls: BenchCalls = BenchCalls()
    engines: ProcessesOrAuto = 1
    """vLLM engines that answer side by side."""
    engine: EngineConfig = EngineConfig()
    device: Literal["auto", "cpu", "gpu"] = "auto"
    judge: BenchJudges = BenchJudges()
    draws: Count = 2000
    """Bootstrap draws of the intervals."""

    def contradictions(self) -> Iterator[Contradiction]:
        """A judge on engines has room for what it is asked."""
        loaded = [judge for judge in self.judge.models if not is_remote(judge)]
        if loaded and self.judge.max_tokens >= self.engine.max_model_len:
            yield Contradiction(
                ("judge.max_tokens", "engine.max_model_len"),
                self.judge.max_tokens,
                f"engine.max_model_len={self.engine.max_model_len} leaves no room for a prompt",
                "lower judge.max_tokens or raise engine.max_model_len",
            )


def bench_config(overrides: Sequence[str]) -> BenchConfig:
    """From ``key.sub=value`` words, the values being YAML.

    Raises:
        ConfigError: a word is no such pair, or a key or value is wrong.
    """
    tree: dict[str, Any] = {}
    apply_overrides(tree, overrides)
    if secrets := secrets_in(tree):
        raise ConfigError("; ".join(problem.line() for problem in secrets))
    try:
        config = BenchConfig.model_validate(tree)
    except ValidationError as error:
        raise ConfigError("; ".join(map(_told, error.errors()))) from None
    know(config.api_key_env, config.judge.api_key_env)
    return config


def in_bench_keys(told: str) -> str:
    """What the client says of a judge's call, or of any, with this command's keys instead of a run's.

    >>> in_bench_keys("cut off after 64 tokens; raise teacher.max_tokens")
    'cut off after 64 tokens; raise judge.max_tokens'
    """
    return renamed(told, _KEYS)


def named_model(model: str) -> str:
    """``model`` as it is, if it may stand for a folder to load or an endpoint.

    Raises:
        ConfigError: it is an address that names no model, or no address of a server.
    """
    try:
        return model_or_endpoint(model)
    except ValueError as error:
        raise ConfigError(f"MODEL: {error}") from None


def _told(detail: Any) -> str:
    key = ".".join(map(str, detail["loc"]))
    if not key:  # between keys, which the message names itself
        return str(detail["msg"].removeprefix("Value error, "))
    if detail["type"] != "extra_forbidden":
        return f"{key}: {detail['msg'].removeprefix('Value error, ')}"
    section: Any = BenchConfig
    for part in detail["loc"][:-1]:
        field = section.model_fields.get(str(part))
        section = field.annotation if field is not None else section
    names = list(getattr(section, "model_fields", {})) or list(BenchConfig.model_fields)
    close = nearest(str(detail["loc"][-1]), names)
    hint = ".".join([*map(str, detail["loc"][:-1]), close]) if close else ""
    return f"{key}: unknown key; " + (f"did you mean '{hint}'?" if hint else f"keys are {', '.join(names)}")
