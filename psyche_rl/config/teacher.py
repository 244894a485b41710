"""The LLM that writes questions, rationales and empathetic replies."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from psyche_rl.config.base import MayChange, Section, SpeedOnly
from psyche_rl.config.engine import EngineConfig


class EndpointConfig(Section):
    """One server among several that serve the same model."""

    base_url: str
    model: str | None = None
    """What this server calls the model; unset, ``teacher.model``."""
    weight: float = Field(1.0, gt=0)
    """Its share of the requests in flight, relative to the others'."""
    api_key_env: str | None = None
    """Unset, ``teacher.api_key_env``."""

    @field_validator("base_url")
    @classmethod
    def _holds_no_secret(cls, url: str) -> str:
        if "@" in url or "?" in url:  # the config is written into the run folder
            raise ValueError("no user, password or query in an address; the key comes from api_key_env")
        return url.rstrip("/")


class PriceConfig(Section):
    """Prices per million tokens, in ``teacher.currency``."""

    prompt: float = Field(0.0, ge=0)
    completion: float = Field(0.0, ge=0)


class BudgetConfig(Section):
    """What all calls of a run folder may use together; unset for no limit."""

    cost: Annotated[float | None, SpeedOnly("it stops a run, and changes no reply")] = Field(None, gt=0)
    """In ``teacher.currency``; every model needs a price."""
    tokens: Annotated[int | None, SpeedOnly("as the cost: it stops a run")] = Field(None, gt=0)


class TeacherConfig(Section):
    """Any OpenAI-compatible server, several of them, or vLLM engines of this cluster.

    Without any of these the mini world's scripted teacher is started.
    """

    engine: Literal["http", "vllm"] = "http"
    """``vllm``: no server; ``model`` is a model folder or name that engines of the cluster load."""
    base_url: Annotated[str | None, MayChange("the same model may move to another server")] = None
    endpoints: Annotated[tuple[EndpointConfig, ...], MayChange("as base_url")] = ()
    """Several servers in place of ``base_url``; one that fails is rested while the others take over."""
    model: str = "scripted-teacher"
    api_key_env: Annotated[str, SpeedOnly("a key opens the server, and does not change its answers")] = (
        "OPENAI_API_KEY"
    )
    """Name of the environment variable that holds the key; the key itself is never written anywhere."""
    temperature: float = 0.7
    max_tokens: int = 2048
    max_in_flight: Annotated[int, SpeedOnly("a call does not depend on its neighbours")] = Field(64, ge=1)
    """At most; each server's own number falls on 429, 503 and timeouts and rises again on answers."""
    timeout_s: Annotated[float, MayChange("a slow call may be answered or fail")] = 120.0
    attempts: Annotated[int, MayChange("a refused call may be answered or fail")] = Field(6, ge=1)
    """Tries per call on 429, 5xx, timeouts and broken connections, with backoff and Retry-After."""
    structured_output: Literal["auto", "on", "off"] = "auto"
    """Send the JSON schema where one is wanted. ``auto``: unless the server refuses it."""
    prices: Annotated[dict[str, PriceConfig], SpeedOnly("costs are counted, and change no reply")] = Field({})
    """Model name -> price."""
    currency: Annotated[str, SpeedOnly("as prices")] = "USD"
    budget: BudgetConfig = BudgetConfig()
    vllm: EngineConfig = EngineConfig()
    """The engines of ``engine: vllm``."""
    vllm_engines: Annotated[int, MayChange("batches of another make-up round differently")] = Field(1, ge=1)

    @field_validator("structured_output", mode="before")
    @classmethod
    def _yaml_switch(cls, value: object) -> object:
        """YAML reads a bare on and off as true and false."""
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.base_url is not None and self.endpoints:
            raise ValueError("give base_url or endpoints, not both")
        self.servers()  # each address is looked at
        if self.engine == "vllm" and (self.base_url is not None or self.endpoints):
            raise ValueError("engine vllm calls no server: remove base_url and endpoints")
        free = sorted({e.model or self.model for e in self.servers()} - self.prices.keys())
        if self.budget.cost is not None and free:
            raise ValueError(f"budget.cost needs a price: add prices['{free[0]}']")
        return self

    @property
    def is_given(self) -> bool:
        """Whether a teacher is named, so that the mini world need not stand in."""
        return self.base_url is not None or bool(self.endpoints) or self.engine == "vllm"

    def servers(self) -> tuple[EndpointConfig, ...]:
        """All endpoints with their keys' variables; without an address, one whose address is empty."""
        given = self.endpoints or (EndpointConfig(base_url=self.base_url or ""),)
        return tuple(
            EndpointConfig(
                base_url=e.base_url,
                model=e.model,
                weight=e.weight,
                api_key_env=e.api_key_env or self.api_key_env,
            )
            for e in given
        )
