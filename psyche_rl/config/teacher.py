"""The LLM that writes questions, rationales and empathetic replies."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from psyche_rl.config.addresses import Address
from psyche_rl.config.base import Contradiction, MayChange, Section, SpeedOnly
from psyche_rl.config.bounds import (
    Factor,
    Price,
    Processes,
    ProcessesOrAuto,
    Seconds,
    Temperature,
    Tokens,
    VariableName,
)
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.request_body import ExtraBody, OmittedField

LONGEST_BACKOFF_S = 30.0
"""The longest pause that a call makes of its own accord; a server may ask for more."""


class EndpointConfig(Section):
    """One server among several that serve the same model."""

    base_url: Address
    model: str | None = None
    """What this server calls the model; unset, ``teacher.model``."""
    weight: Factor = Field(1.0, gt=0)
    """Its share of the requests in flight, relative to the others'."""
    api_key_env: VariableName | None = None
    """Unset, ``teacher.api_key_env``."""


class PriceConfig(Section):
    """Prices per million tokens, in ``teacher.currency``."""

    prompt: Price = 0.0
    completion: Price = 0.0


class BudgetConfig(Section):
    """What all calls of a run folder may use together; unset for no limit."""

    cost: Annotated[Price | None, SpeedOnly("it stops a run, and changes no reply")] = Field(None, gt=0)
    """In ``teacher.currency``; every model needs a price."""
    tokens: Annotated[int | None, SpeedOnly("as the cost: it stops a run")] = Field(None, gt=0, le=10**15)


class TeacherConfig(Section):
    """Any OpenAI-compatible server, several of them, or vLLM engines of this cluster.

    Without any of these the mini world's scripted teacher is started.
    """

    engine: Literal["http", "vllm"] = "http"
    """``vllm``: no server; ``model`` is a model folder or name that engines of the cluster load."""
    base_url: Annotated[Address | None, MayChange("the same model may move to another server")] = None
    endpoints: Annotated[tuple[EndpointConfig, ...], MayChange("as base_url")] = ()
    """Several servers in place of ``base_url``; one that fails is paused while the others take over."""
    model: str = "scripted-teacher"
    api_key_env: Annotated[
        VariableName, SpeedOnly("a key opens the server, and does not change its answers")
    ] = "OPENAI_API_KEY"
    """Name of the environment variable that holds the key; the key itself is never written anywhere."""
    temperature: Temperature = 0.7
    max_tokens: Tokens = 2048
    max_in_flight: Annotated[Processes, SpeedOnly("a call does not depend on its neighbours")] = 64
    """At most; each server's own number falls on 429, 503 and timeouts and rises again on answers."""
    timeout_s: Annotated[Seconds, MayChange("a slow call may be answered or fail")] = 120.0
    attempts: Annotated[int, MayChange("a refused call may be answered or fail")] = Field(6, ge=1, le=1000)
    """Tries per call on 5xx, timeouts and broken connections. Overload (429, 503) is waited out instead."""
    call_s: Annotated[Seconds | None, MayChange("as attempts")] = None
    """What one call may take in all, tries and pauses; unset, as long as all ``attempts`` may take."""
    stage_s: Annotated[Seconds | None, SpeedOnly("it stops a stage, and changes no reply")] = None
    """What all calls of a stage may take together; unset, derived from their number and said."""
    extra_body: ExtraBody = Field({})
    """Fields for every request, such as max_completion_tokens or reasoning_effort."""
    omit: tuple[OmittedField, ...] = ()
    """Fields that the server refuses, and that no request is to hold."""
    structured_output: Literal["auto", "on", "off"] = "auto"
    """Send the JSON schema where one is wanted. ``auto``: unless the server refuses it."""
    prices: Annotated[dict[str, PriceConfig], SpeedOnly("costs are counted, and change no reply")] = Field({})
    """Model name -> price."""
    currency: Annotated[str, SpeedOnly("as prices")] = "USD"
    budget: BudgetConfig = BudgetConfig()
    vllm: EngineConfig = EngineConfig()
    """The engines of ``engine: vllm``."""
    vllm_engines: Annotated[ProcessesOrAuto, MayChange("batches of another make-up round differently")] = 1

    @field_validator("structured_output", mode="before")
    @classmethod
    def _yaml_switch(cls, value: object) -> object:
        """YAML reads a bare on and off as true and false."""
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else value

    def contradictions(self) -> Iterator[Contradiction]:
        """One way to the teacher, a price for all that costs, and room for a reply."""
        if self.base_url is not None and self.endpoints:
            yield Contradiction(
                ("endpoints", "base_url"),
                self.endpoints,
                "give base_url or endpoints, not both",
                "remove one",
            )
        if self.engine == "vllm" and (self.base_url is not None or self.endpoints):
            yield Contradiction(
                ("engine", "base_url", "endpoints"),
                self.engine,
                "engine vllm calls no server",
                "remove base_url and endpoints",
            )
        if self.call_s is not None and self.call_s < self.timeout_s:
            yield Contradiction(
                ("call_s", "timeout_s"),
                self.call_s,
                f"one try may take timeout_s={self.timeout_s:g}",
                "raise call_s or lower timeout_s",
            )
        if self.engine == "vllm" and (self.extra_body or self.omit):
            yield Contradiction(
                ("extra_body", "omit", "engine"),
                self.extra_body or self.omit,
                "engine vllm sends no request bodies",
                "remove extra_body and omit",
            )
        free = sorted({e.model or self.model for e in self.servers()} - self.prices.keys())
        if self.budget.cost is not None and free:
            yield Contradiction(
                ("budget.cost", "prices"),
                self.budget.cost,
                f"budget.cost needs a price of '{free[0]}'",
                f"add prices['{free[0]}']",
            )
        if self.engine == "vllm" and self.max_tokens >= self.vllm.max_model_len:
            yield Contradiction(
                ("max_tokens", "vllm.max_model_len"),
                self.max_tokens,
                f"vllm.max_model_len={self.vllm.max_model_len} leaves no room for a prompt",
                "lower max_tokens or raise vllm.max_model_len",
            )

    def for_endpoint(self, name: str, api_key_env: str, temperature: float, max_tokens: int) -> TeacherConfig:
        """The settings of calls to ``address#model``: its own key and sampling, the limits of these."""
        base_url, _, model = name.partition("#")
        return self.asking(
            base_url=base_url,
            model=model,
            api_key_env=api_key_env,
            temperature=temperature,
            max_tokens=max_tokens,
        )

    def asking(self, **settings: Any) -> TeacherConfig:
        """The settings of other calls than the teacher's, which have the limits of these."""
        return TeacherConfig(
            **settings,
            max_in_flight=self.max_in_flight,
            timeout_s=self.timeout_s,
            attempts=self.attempts,
            call_s=self.call_s,
            stage_s=self.stage_s,
            prices=self.prices,
            currency=self.currency,
            budget=self.budget,
        )

    @property
    def call_limit_s(self) -> float:
        """``call_s``, or what it is derived to be: each of ``attempts`` with its timeout and a pause."""
        return self.call_s or self.attempts * (self.timeout_s + LONGEST_BACKOFF_S)

    def stage_limit_s(self, calls: int) -> float:
        """``stage_s``, or what it is derived to be for so many calls: a last resort, with an hour on top."""
        return self.stage_s or math.ceil(calls / self.max_in_flight) * self.call_limit_s + 3600

    @property
    def is_given(self) -> bool:
        """Whether a teacher is named, so that the mini world need not stand in."""
        return self.base_url is not None or bool(self.endpoints) or self.engine == "vllm"

    def servers(self) -> tuple[EndpointConfig, ...]:
        """All endpoints with their keys' variables; without an address, one whose address is empty."""
        given = self.endpoints or (EndpointConfig.model_construct(base_url=self.base_url or ""),)
        return tuple(e.model_copy(update={"api_key_env": e.api_key_env or self.api_key_env}) for e in given)
