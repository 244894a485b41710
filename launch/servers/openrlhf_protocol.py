"""OpenRLHF's remote reward protocol: lists of texts in, lists of figures out.

Matched behaviour: ``--remote_rm_url`` posts ``{"query", "prompts", "labels"}`` and reads ``rewards``,
``scores`` (in 0..1, for dynamic filtering) and ``extra_logs`` from the answer. The protocol has no place for
an error, so a batch with one is refused: a 0 would be taken for a judgement. Collaborators:
``rewards.adapters.openrlhf`` reads queries and labels.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from psyche_rl.json_shape import JsonShape
from rewards import RewardSample, Score
from rewards.adapters.openrlhf import openrlhf_sample, parts_of_all

LABEL = JsonShape(most_values=1000, most_depth=16)


class OpenRlhfRequest(BaseModel):
    """What OpenRLHF posts. A label is the gold, or a JSON object of sample fields with it."""

    model_config = ConfigDict(extra="ignore")

    query: list[str]
    prompts: list[str]
    labels: list[str]


class OpenRlhfReply(BaseModel):
    """What OpenRLHF reads, one figure per query in order."""

    rewards: list[float]
    scores: list[float]
    extra_logs: dict[str, list[float]]


def samples_of(request: OpenRlhfRequest) -> list[RewardSample]:
    """The samples that a request speaks of.

    Raises:
        ValueError: the lists differ in length, a query lacks its prompt, or a label cannot be read; one line
            that names the place.
    """
    lengths = {len(request.query), len(request.prompts), len(request.labels)}
    if len(lengths) > 1:
        raise ValueError(
            f"query, prompts and labels differ in length: "
            f"{len(request.query)}, {len(request.prompts)}, {len(request.labels)}"
        )
    for number, label in enumerate(request.labels):
        if label.lstrip().startswith("{"):
            _check_label(number, label)
    rows = zip(request.query, request.prompts, request.labels, strict=True)
    return [openrlhf_sample(str(number), *row) for number, row in enumerate(rows)]


def _check_label(number: int, label: str) -> None:
    """A label is JSON within a text, so that nobody has looked at its shape yet."""
    try:
        LABEL.check(label.encode())
    except ValueError as error:
        raise ValueError(f"label {number} is {error}") from None


def reply_of(scores: Sequence[Score], full: float) -> OpenRlhfReply:
    """The answer for scores without an error; ``full`` is the reward that ``scores`` calls 1."""
    values = [score.value for score in scores if score.value is not None]
    if len(values) < len(scores):
        raise ValueError("a score with an error has no place in this protocol")
    return OpenRlhfReply(
        rewards=values,
        scores=[min(1.0, max(0.0, value / full)) for value in values],
        extra_logs=parts_of_all(scores),
    )
