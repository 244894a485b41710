"""The protocol of a tracker: everything that a run tells, in the fewest calls.

Collaborators: one adapter for each client library, which imports it when it is opened; ``outbox`` calls them,
all from one thread.
Invariants:
- An adapter raises whatever its client raises; the outbox decides what becomes of it.
- ``NotTakenError``: the tracker will never take this, so that it is not tried again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

Row = Mapping[str, int | float]
RunEnd = Literal["finished", "failed", "stopped"]


class NotTakenError(Exception):
    """The tracker does not take what it was given, and would not take it a second time."""


@dataclass(frozen=True)
class Shown:
    """A table of text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_markdown(self) -> str:
        """As markdown; line breaks and bars within a cell are kept."""
        lines = [self.columns, tuple("---" for _ in self.columns), *self.rows]
        return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)

    def as_split(self) -> dict[str, Any]:
        """As pandas writes a table with ``orient="split"``, without an index."""
        return {"columns": list(self.columns), "data": [list(row) for row in self.rows]}


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>")


@dataclass(frozen=True)
class Opening:
    """What a tracker begins with. ``folder`` is on a local disk, for what the client itself writes."""

    run_id: str | None
    """The tracker's run to go on in; None begins one."""
    title: str
    config: Mapping[str, Any]
    """The resolved config, secrets masked."""
    config_text: str
    """The same as YAML."""
    folder: Path


class Tracker(Protocol):
    """One client library. Steps are those of a stage; its rows come with ascending steps."""

    forgets: bool
    """Whether steps that are done again replace those of the first time."""

    def open(self, opening: Opening) -> str:
        """Begin or go on, with the config; returns the run's id, another than asked for if that is gone."""

    def where(self) -> str:
        """Address, folder or command for a person who wants to look."""

    def newest_steps(self) -> Mapping[str, int] | None:
        """Stage -> newest step, as the tracker itself says; None where it cannot say."""

    def rows(self, stage: str, rows: Sequence[Row]) -> None:
        """Metrics of some steps."""

    def rewind(self, stage: str, step: int) -> None:
        """Forget what came after ``step``; only where ``forgets``."""

    def figures(self, figures: Mapping[str, float]) -> None:
        """Figures of the run as a whole."""

    def table(self, name: str, table: Shown, step: int | None = None) -> None:
        """A table, of a step or of the whole run; ``name`` is "stage/what"."""

    def page(self, name: str, html: str) -> None:
        """A page that stands by itself."""

    def close(self, end: RunEnd) -> None:
        """Bring everything there, and say how the run has ended."""
