"""Cross-selection: several LLMs answer every question; the hard ones go to GRPO (paper section 3.2)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from psyche_rl.config.base import MayChange, Section, SpeedOnly
from psyche_rl.config.engine import EngineConfig

SelectionRule = Literal["all_wrong", "pass_rate", "majority"]
_ADDRESSES = ("http://", "https://")


class SelectConfig(Section):
    """Selectors and how often each answers. A question that every selector gets wrong is hard."""

    selectors: tuple[str, ...] = ()
    """Hugging Face folders or names, or remote endpoints as ``http(s)://host/v1#model``; empty: the mini
    world's."""
    api_key_env: Annotated[str, SpeedOnly("a key opens the server, and does not change its answers")] = (
        "OPENAI_API_KEY"
    )
    """Name of the environment variable with the key of remote selectors."""
    samples: int = Field(2, ge=1)
    temperature: float = 1.0
    rule: SelectionRule = "all_wrong"
    """``all_wrong``: a selector is wrong if no sample of it is right; ``majority``: unless most of its
    samples are. ``pass_rate``: hard if the share of right samples of all selectors lies in ``pass_rate``."""
    pass_rate: tuple[float, float] = (0.0, 0.5)
    """Least and greatest share of right samples of a hard question, where that is the rule."""
    max_tokens: int = Field(64, ge=1)
    engines_per_selector: Annotated[int, SpeedOnly("a batch is answered whole by one engine")] = Field(
        1, ge=1
    )
    block_rows: Annotated[int, MayChange("batches of another make-up round differently")] = Field(512, ge=1)
    skip: bool = False
    """Ablation: split at random in the proportions that selection would have given."""
    random_grpo_share: float = 0.3
    """With ``skip``: the share of questions sent to the GRPO set."""
    engine: EngineConfig = EngineConfig()
    """What differs from the section ``engine``."""
    audit_removes: bool = False
    """Keep questions on which all samples agree on one answer other than the key out of the GRPO set."""

    @field_validator("selectors")
    @classmethod
    def _name_their_models(cls, selectors: tuple[str, ...]) -> tuple[str, ...]:
        for name in selectors:
            if not name.startswith(_ADDRESSES):
                continue
            address, _, model = name.partition("#")
            if not model:
                raise ValueError(f"{address} names no model: write {address}#MODEL")
            if "@" in address or "?" in address:  # the config is written into the run folder
                raise ValueError("no user, password or query in an address; the key comes from api_key_env")
        return selectors

    @model_validator(mode="after")
    def _is_a_band(self) -> Self:
        low, high = self.pass_rate
        if not 0 <= low <= high <= 1:
            raise ValueError(f"pass_rate {low:g} to {high:g} is no band within 0 and 1")
        return self


def is_remote(selector: str) -> bool:
    """Whether a selector is an endpoint rather than a model to load."""
    return selector.startswith(_ADDRESSES)
