"""An item of a benchmark, as it is put to a model and scored.

Invariants:
- ``id`` is the one that ``psyche-rl exam`` prints for the question; items of other loaders have one made of
  their content. It is unique in its benchmark.
- Items that share a case, a scenario or a dialogue have the same ``cluster``.
"""

from __future__ import annotations

from psyche_rl.records import Message, Record


class KeyPoint(Record):
    """What a full answer says, and the marks that it earns."""

    text: str
    marks: float


class BenchmarkItem(Record):
    """One item.

    ``kind`` is single, multiple, case or short for exams, else what its loader says (``emotions``, ``turn``).
    ``messages`` is what the model is sent. ``gold`` holds letters, the reference answer, or a JSON object of
    item -> score. ``source_id`` is the id that the file gives, ``source`` and ``row`` where it stands.
    ``group`` joins items that are scored together (the two questions on an EmoBench scenario).
    """

    id: str
    part: str
    kind: str
    subject: str | None = None
    level: str | None = None
    cluster: str
    group: str | None = None
    messages: tuple[Message, ...]
    stem: str
    options: tuple[str, ...] = ()
    gold: str
    key_points: tuple[KeyPoint, ...] = ()
    source: str = ""
    row: int = 0
    source_id: str | None = None
