"""What a scorer is given and what it gives back: a value with named parts, or a typed error.

Invariant: exactly one of ``value`` and ``error`` is set. A scorer that fails never yields 0: a silent
0 would enter the group's baseline as if the reply had been judged.

    >>> from rewards.score import RewardSample, Score
    >>> sample = RewardSample(id="q1", response="答案：B", gold="B", kind="single", options=("记忆", "遗忘"))
    >>> sample.options[1]
    '遗忘'
    >>> Score.of(1.5, {"mcq_strict": 1.0, "think_format": 0.5}).parts["mcq_strict"]
    1.0
    >>> failed = Score.failed("timeout", "no score within 10 s")
    >>> failed.value is None, failed.error.kind
    (True, 'timeout')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, FiniteFloat, JsonValue, NonNegativeInt, model_validator

ScoreErrorKind = Literal["timeout", "bad_gold", "scorer_exception", "judge_unavailable"]


class RewardSample(BaseModel):
    """One reply to be scored, with all that any scorer may look at.

    ``options`` are the option texts without letters (the n-th is the n-th letter); ``gold`` holds
    letters for choice questions, key points for ``kind="short"``, and what a reward's docstring asks for
    elsewhere; ``reference`` is a model reply to compare with; ``truncated`` says that the reply was cut
    off at the token limit, ``response_tokens`` how many tokens it has. ``stem`` is the question's wording
    without its options; where it is not given, ``prompt`` (all that the policy was shown) tells whether the
    wrong option is asked for. ``metadata`` is for rewards of one's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    response: str
    gold: str
    kind: str
    options: tuple[str, ...] = ()
    prompt: str | None = None
    stem: str | None = None
    reference: str | None = None
    truncated: bool = False
    response_tokens: NonNegativeInt | None = None
    metadata: dict[str, JsonValue] = {}


class ScoreError(BaseModel):
    """Why there is no score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ScoreErrorKind
    message: str


class Score(BaseModel):
    """A finite ``value`` with its named ``parts``, or an ``error``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: FiniteFloat | None = None
    parts: dict[str, FiniteFloat] = {}
    error: ScoreError | None = None

    @model_validator(mode="after")
    def _value_or_error(self) -> Self:
        if (self.value is None) == (self.error is None):
            raise ValueError("a score has a value or an error, never both and never neither")
        return self

    @classmethod
    def of(cls, value: float, parts: Mapping[str, float] | None = None) -> Score:
        """A score that was reached.

        Raises:
            pydantic.ValidationError: a figure is NaN or infinite.
        """
        return cls(value=value, parts=dict(parts or {}))

    @classmethod
    def failed(cls, kind: ScoreErrorKind, message: str) -> Score:
        """The absence of a score, with its reason on one line."""
        return cls(error=ScoreError(kind=kind, message=" ".join(message.split())))
