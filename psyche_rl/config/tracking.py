"""Where a run is shown while it goes on: TensorBoard, Weights & Biases, MLflow.

Invariant: an entry may be written as a bare name, and is kept with all its settings spelled out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from psyche_rl.config.base import Contradiction, RefusedValueError, Section
from psyche_rl.config.bounds import Few

TrackerName = Literal["tensorboard", "wandb", "mlflow"]


class TrackerConfig(Section):
    """One tracker of a run. ``tensorboard`` is its name alone; the others have a server or work offline."""

    name: TrackerName
    project: str = Field("psyche-rl", min_length=1)
    """Project of Weights & Biases, experiment of MLflow."""
    uri: str | None = Field(None, min_length=1)
    """Address of the server; unset, what the client's own variables say."""
    offline: bool = False
    """Keep everything in the run folder, under ``tracking/``; nothing goes over the network."""
    samples: Few = 4
    """Samples of every tenth GRPO step, and of the first, that are shown; 0: no text of the data leaves."""

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, given: Any) -> Any:
        return {"name": given} if isinstance(given, str) else given

    def contradictions(self) -> Iterator[Contradiction]:
        """A server is of use only where there is one."""
        if self.name == "tensorboard" and self.uri is not None:
            yield Contradiction(("uri",), self.uri, "tensorboard has no server", "remove uri")
        elif self.offline and self.uri is not None:
            yield Contradiction(
                ("uri", "offline"), self.uri, "offline calls no server", "remove uri, or set offline: false"
            )


def _as_list(given: Any) -> Any:
    """One tracker may stand without a list."""
    return [given] if isinstance(given, str | Mapping) else given


def _once_each(given: tuple[TrackerConfig, ...]) -> tuple[TrackerConfig, ...]:
    names = [tracker.name for tracker in given]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RefusedValueError(f"{twice[0]} stands there twice", "name each tracker once")
    return given


Trackers = Annotated[tuple[TrackerConfig, ...], BeforeValidator(_as_list), AfterValidator(_once_each)]
"""The trackers of a run, each once."""
