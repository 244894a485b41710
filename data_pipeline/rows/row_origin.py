"""The ways a row can end, as constructors of :class:`RowOutcome` that keep reasons and contents short."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psyche_rl.llm import CallFailure
from psyche_rl.records import RowOutcome, Status

REASON_CHARS, CONTENT_CHARS = 300, 2000


@dataclass(frozen=True)
class RowOrigin:
    """A row on its way through a stage: what its outcome says of where it came from."""

    stage: str
    id: str
    source: str = ""
    source_row: int = 0
    prompt: str | None = None

    @classmethod
    def at(cls, stage: str, source: str, row: int) -> RowOrigin:
        """A row as it stands in the user's data, named by its place."""
        return cls(stage, f"{source}:{row}", source, row)

    def ok(self, gives: str | None = None, rows_read: Iterable[str] = ()) -> RowOutcome:
        """It gave a record, or the rows that were read from it."""
        return self._ended("ok", gives=gives, rows_read=tuple(rows_read))

    def filtered(self, filter_: str, reason: str, content: str = "") -> RowOutcome:
        """A rule turned it down."""
        return self._ended("filtered", filter=filter_, reason=reason, content=content[:CONTENT_CHARS])

    def repeated(self, filter_: str, keeper: str, reason: str, content: str) -> RowOutcome:
        """An earlier record, ``keeper``, stands for it; its text is kept whole, for a person to compare."""
        return self._ended("filtered", filter=filter_, keeper=keeper, reason=reason, content=content)

    def failed(self, failure: CallFailure) -> RowOutcome:
        """Its calls got no answer."""
        return self._ended("failed", reason=f"call failed: {failure.kind}: {failure.message}")

    def quarantined(self, reason: str, content: str = "") -> RowOutcome:
        """It is not in the form it should have."""
        return self._ended("quarantined", reason=reason, content=content[:CONTENT_CHARS])

    def _ended(self, status: Status, reason: str = "", **fields: Any) -> RowOutcome:
        return RowOutcome(
            stage=self.stage,
            row=self.id,
            status=status,
            reason=reason[:REASON_CHARS],
            source=self.source,
            source_row=self.source_row,
            prompt=self.prompt,
            **fields,
        )
