"""The ways a row can end, as constructors of :class:`RowOutcome` that keep reasons and contents short."""

from __future__ import annotations

from dataclasses import dataclass

from psyche_rl.llm import CallFailure
from psyche_rl.records import RowOutcome

REASON_CHARS, CONTENT_CHARS = 300, 2000


@dataclass(frozen=True)
class RowOrigin:
    """A row on its way through a stage: what its outcome says of where it came from."""

    stage: str
    id: str
    source: str = ""
    source_row: int = 0
    prompt: str | None = None

    def ok(self, gives: str | None = None) -> RowOutcome:
        return self._ended("ok", gives=gives)

    def filtered(self, filter_: str, reason: str, content: str = "") -> RowOutcome:
        return self._ended("filtered", filter=filter_, reason=reason, content=content)

    def failed(self, failure: CallFailure) -> RowOutcome:
        return self._ended("failed", reason=f"call failed: {failure.kind}: {failure.message}")

    def quarantined(self, reason: str, content: str = "") -> RowOutcome:
        return self._ended("quarantined", reason=reason, content=content)

    def _ended(
        self,
        status: str,
        filter: str | None = None,
        reason: str = "",
        content: str = "",
        gives: str | None = None,
    ) -> RowOutcome:
        return RowOutcome(
            stage=self.stage,
            row=self.id,
            status=status,  # type: ignore[arg-type]
            filter=filter,
            reason=reason[:REASON_CHARS],
            content=content[:CONTENT_CHARS],
            gives=gives,
            source=self.source,
            source_row=self.source_row,
            prompt=self.prompt,
        )
