"""Cross-selection: several LLMs answer every question; the hard ones go to GRPO (paper section 3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator

from psyche_rl.config.addresses import SCHEMES, server_address
from psyche_rl.config.base import Contradiction, MayChange, RefusedValueError, Section, SpeedOnly
from psyche_rl.config.bounds import (
    Count,
    Processes,
    ProcessesOrAuto,
    Share,
    Temperature,
    Tokens,
    VariableName,
)
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.request_body import ExtraBody, OmittedField

SelectionRule = Literal["all_wrong", "pass_rate", "majority"]


class SelectConfig(Section):
    """Selectors and how often each answers. A question that every selector gets wrong is hard."""

    selectors: tuple[str, ...] = ()
    """Hugging Face folders or names, or remote endpoints as ``http(s)://host/v1#model``; empty: the mini
    world's."""
    api_key_env: Annotated[
        VariableName, SpeedOnly("a key opens the server, and does not change its answers")
    ] = "OPENAI_API_KEY"
    """Name of the environment variable with the key of remote selectors."""
    extra_body: ExtraBody = Field({})
    """As ``teacher.extra_body``, for remote selectors."""
    omit: tuple[OmittedField, ...] = ()
    """As ``teacher.omit``, for remote selectors."""
    samples: Processes = 2
    temperature: Temperature = 1.0
    rule: SelectionRule = "all_wrong"
    """``all_wrong``: a selector is wrong if no sample of it is right; ``majority``: unless most of its
    samples are. ``pass_rate``: hard if the share of right samples of all selectors lies in ``pass_rate``."""
    pass_rate: tuple[Share, Share] = (0.0, 0.5)
    """Least and greatest share of right samples of a hard question, where that is the rule."""
    max_tokens: Tokens = 64
    engines_per_selector: Annotated[ProcessesOrAuto, SpeedOnly("a batch is answered whole by one engine")] = 1
    """At the most: engines go where work is left. ``auto``: all the room that the other selectors leave."""
    block_rows: Annotated[Count, MayChange("batches of another make-up round differently")] = 512
    skip: bool = False
    """Ablation: split at random in the proportions that selection would have given."""
    random_grpo_share: Share = 0.3
    """With ``skip``: the share of questions sent to the GRPO set."""
    audit_removes: bool = False
    """Keep questions on which all samples agree on one answer other than the key out of the GRPO set."""

    engine: EngineConfig = EngineConfig()
    """What differs from the section ``engine``."""

    @field_validator("selectors")
    @classmethod
    def _name_their_models(cls, selectors: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(model_or_endpoint, selectors))

    def contradictions(self) -> Iterator[Contradiction]:
        """A share lies between the two bounds of a band; some question is left to train on."""
        low, high = self.pass_rate
        if low > high:
            yield Contradiction(
                ("pass_rate",),
                self.pass_rate,
                f"pass_rate {low:g} to {high:g} is no band within 0 and 1",
                "give the least share first, then the greatest",
            )
        if self.skip and self.random_grpo_share == 0:
            yield Contradiction(
                ("random_grpo_share", "skip"),
                self.random_grpo_share,
                "with skip no question would go to the GRPO set",
                "give a share above 0",
            )

    @property
    def uses_engines(self) -> bool:
        """Whether engines are started: for a selector that is a model to load, or the mini world's."""
        loaded = any(not is_remote(name) for name in self.selectors)
        return not self.skip and (loaded or not self.selectors)


def model_or_endpoint(name: str) -> str:
    """``name`` as it is, if it may stand for a model to load or an endpoint.

    Raises:
        RefusedValueError: it is an address that names no model, or no address of a server.
    """
    if is_remote(name):
        address, _, model = name.partition("#")
        if not model:
            raise RefusedValueError(f"{address} names no model", f"write {address}#MODEL")
        server_address(address)
    return name


def is_remote(selector: str) -> bool:
    """Whether a selector is an endpoint rather than a model to load."""
    return selector.startswith(SCHEMES)
