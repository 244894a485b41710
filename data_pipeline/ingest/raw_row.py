"""What reading gives before anything is made of it: inputs, raw rows and rows set aside."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from data_pipeline.ingest.document import Document
from psyche_rl.records import Quarantined
from rewards.text.unicode import whole_characters


@dataclass(frozen=True)
class Input:
    """One file or dataset. ``path`` is what was asked for, ``file`` the place on its filesystem;
    ``alone`` says that nothing else was asked for, so that its being unreadable is an error."""

    path: str
    file: str
    source: str
    kind: str
    alone: bool
    size: int = 0
    """Bytes of a file; unknown (0) for datasets."""


@dataclass(frozen=True)
class RawRow:
    """One row: a mapping, or the text of a whole text file with its structure."""

    source: str
    row: int
    value: dict[str, Any] | str
    document: Document | None = None
    licence: str | None = None


def bad_row(stage: str, row: RawRow, reason: str) -> Quarantined:
    """A raw row set aside."""
    content = (
        row.value if isinstance(row.value, str) else json.dumps(row.value, ensure_ascii=False, default=str)
    )
    return Quarantined(
        stage=stage,
        source=row.source,
        row=row.row,
        reason=whole_characters(" ".join(reason.split()))[:300],
        content=whole_characters(content)[:2000],
    )


def text_of(value: dict[str, Any], names: Iterable[str]) -> str | None:
    """The first of ``names`` that holds text."""
    for name in names:
        found = value.get(name)
        if isinstance(found, str) and found.strip():
            return found
    return None
