"""What one judge said of one reply: the row of ``judgements.parquet``."""

from __future__ import annotations

from typing import ClassVar

from psyche_rl.records import Record


class ReplyJudgement(Record):
    """``axes`` is empty where the judgement failed, and ``error`` says why. ``prompt`` is name@hash.

    ``asked``: false where the answer is empty, which is worth 0 without the judge being asked.
    """

    SCHEMA_VERSION: ClassVar[int] = 2
    benchmark: str
    model: str
    item: str
    sample: int
    cluster: str
    judge: str
    prompt: str
    axes: dict[str, float]
    error: str | None
    asked: bool = True


class PairJudgement(Record):
    """Two models' replies to one item as a judge sees them, in both orders.

    ``shown`` is what was said with the first model's reply first, ``swapped`` with the second's; both name
    the model: first, second or tie. ``verdict`` puts them together; None where one of the two failed.
    """

    benchmark: str
    item: str
    sample: int
    cluster: str
    first_model: str
    second_model: str
    judge: str
    prompt: str
    shown: str | None
    swapped: str | None
    verdict: str | None
    error: str | None
