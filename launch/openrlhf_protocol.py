"""OpenRLHF's remote reward protocol: lists of texts in, lists of figures out.

Matched behaviour: ``--remote_rm_url`` posts ``{"query", "prompts", "labels"}``, where a query is the prompt
and the reply as one text, special tokens included, and reads ``rewards``, ``scores`` (in 0..1, for dynamic
filtering) and ``extra_logs`` from the answer. The protocol has no place for an error, so a batch with one
is refused: a 0 would be taken for a judgement.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from rewards import RewardSample, Score, canonical_gold

_END = re.compile(r"(?:\s*(?:<\|[^|<>]{1,40}\|>|</s>|<eos>|<pad>))+\s*$")


class ProtocolError(ValueError):
    """A request that cannot be read: one line that names the place."""


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
        ProtocolError: the lists differ in length, a query lacks its prompt, or a label cannot be read.
    """
    lengths = {len(request.query), len(request.prompts), len(request.labels)}
    if len(lengths) > 1:
        raise ProtocolError(
            f"query, prompts and labels differ in length: "
            f"{len(request.query)}, {len(request.prompts)}, {len(request.labels)}"
        )
    rows = zip(request.query, request.prompts, request.labels, strict=True)
    return [_sample(number, *row) for number, row in enumerate(rows)]


def reply_of(scores: Sequence[Score], full: float) -> OpenRlhfReply:
    """The answer for scores without an error; ``full`` is the reward that ``scores`` calls 1."""
    values = [score.value for score in scores if score.value is not None]
    if len(values) < len(scores):
        raise ValueError("a score with an error has no place in this protocol")
    shared = set.intersection(*(set(score.parts) for score in scores)) if scores else set()
    logs = {name: [score.parts[name] for score in scores] for name in sorted(shared)}
    return OpenRlhfReply(
        rewards=values, scores=[min(1.0, max(0.0, value / full)) for value in values], extra_logs=logs
    )


def _sample(number: int, query: str, prompt: str, label: str) -> RewardSample:
    if not query.startswith(prompt):
        raise ProtocolError(f"query[{number}] does not begin with prompts[{number}]")
    given = {"id": str(number), "response": _END.sub("", query[len(prompt) :]), "prompt": prompt}
    try:
        return RewardSample.model_validate({**_label(label), **given})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ProtocolError(f"labels[{number}]: {place}: {first['msg']}") from None


def _label(label: str) -> dict[str, object]:
    if label.lstrip().startswith("{"):
        try:
            fields = json.loads(label)
        except ValueError:
            pass
        else:
            return {"kind": _kind(str(fields.get("gold", ""))), **fields}
    return {"gold": label, "kind": _kind(label)}


def _kind(gold: str) -> str:
    try:
        return "single" if len(canonical_gold(gold)) == 1 else "multiple"
    except ValueError:
        return "short"
