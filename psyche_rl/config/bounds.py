"""What a number in the config may be: one type for each meaning, used by the sections.

Invariants:
- Every bound is a value beyond which no run makes sense, not a recommendation.
- Neither NaN nor infinity is a number here (``Section`` refuses them).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from psyche_rl.config.base import RefusedValueError
from psyche_rl.masking import looks_like_a_key

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole."""
PositiveShare = Annotated[float, Field(gt=0, le=1)]
"""A part, threshold or width of which nothing is too little."""
Temperature = Annotated[float, Field(ge=0, le=2)]
"""Of sampling; 0 is greedy, and 2 is the most that OpenAI-compatible servers take."""
TrainedTemperature = Annotated[float, Field(ge=0.01, le=2)]
"""Of samples that are trained on: the learner divides by it, and vLLM takes what is lower for 0.01."""
TopK = Annotated[int, Field(ge=2, le=10**7)]
"""Likeliest tokens to sample from; of one alone all samples of a group would be equal."""
Beta = Annotated[float, Field(ge=0, lt=1)]
"""Decay of a running mean."""
LearningRate = Annotated[float, Field(gt=0, le=1)]
Factor = Annotated[float, Field(ge=0, le=1000)]
"""Weight of a term in a sum."""
ClipRange = Annotated[float, Field(gt=0, le=1000)]
"""How far an importance ratio may go to one side; 1 and more below it bounds nothing."""
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600)]
"""A deadline, of at most a week."""
Price = Annotated[float, Field(ge=0, le=1e9)]

Count = Annotated[int, Field(ge=1, le=10**7)]
"""Of things of which there must be one."""
CountOrNone = Annotated[int, Field(ge=0, le=10**7)]
"""The same where there may be none."""
Few = Annotated[int, Field(ge=0, le=1000)]
"""A number of rounds, or of what is made from one passage."""
Processes = Annotated[int, Field(ge=1, le=10_000)]
"""Actors, ranks, engines or requests side by side."""
MOST_PROCESSES = 10_000


def processes_or_auto(value: Any) -> Any:
    """A number of processes or ``auto``.

    Raises:
        RefusedValueError: it is neither.
    """
    if value == "auto":
        return value
    try:
        count = int(value)
    except (TypeError, ValueError, OverflowError):
        count = 0
    whole = value in (count, str(count)) and not isinstance(value, bool)
    if not whole or not 1 <= count <= MOST_PROCESSES:
        raise RefusedValueError(
            "neither auto nor a number of processes",
            f"give auto, or a whole number from 1 to {MOST_PROCESSES}",
        )
    return count


ProcessesOrAuto = Annotated[int | Literal["auto"], BeforeValidator(processes_or_auto)]
"""``auto``: by what the cluster has; ``psyche_rl.placement`` makes a number of it before anything starts."""
Threads = Annotated[int, Field(ge=1, le=1024)]
Tokens = Annotated[int, Field(ge=1, le=10**7)]
"""Of a prompt, a reply or a row; ten million is more than any model's context."""
Characters = Annotated[int, Field(ge=0, le=10**7)]
Mebibytes = Annotated[int, Field(ge=1, le=2**24)]
"""At most 16 TiB."""
Width = Annotated[int, Field(ge=1, le=2**17)]
"""A dimension of a model that is made here."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""What numpy's, torch's and vLLM's generators all take."""


def _variable_name(name: str) -> str:
    if not (name.isascii() and name.isidentifier()) or looks_like_a_key(name):
        raise RefusedValueError(
            "not the name of an environment variable", "give the name, never the key itself", secret=True
        )
    return name


VariableName = Annotated[str, AfterValidator(_variable_name)]
"""Of an environment variable: a key pasted in its place is refused, and not shown."""
