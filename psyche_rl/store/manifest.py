"""The manifest: what each stage of a run did, with which config and inputs, and what came out.

Pure data plus one rule, :meth:`Manifest.changed_keys`; ``launch.pipeline`` acts on it.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from psyche_rl import __version__
from psyche_rl.errors import RunFolderError
from psyche_rl.store.outputs import Output
from psyche_rl.store.run_store import RunStore

MANIFEST = "manifest.json"
ROW_COUNTS = ("rows", "ok", "filtered", "failed", "quarantined")


class StageEntry(BaseModel):
    """One stage's row in the manifest. ``seconds`` adds up over attempts."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["running", "done", "failed", "stopped"]
    started: str
    finished: str | None = None
    seconds: float = 0.0
    attempts: int = 1
    settings: dict[str, Any] = {}
    settings_hash: str = ""
    inputs: dict[str, str] = {}
    outputs: dict[str, Output] = {}
    """What it has left in the run folder, as it was written."""
    counts: dict[str, int | float] = {}
    """Figures of the stage; ``<step>.rows`` and ``<step>.<way of ending>`` count the rows of its steps."""
    error: str | None = None

    @property
    def figures(self) -> dict[str, int | float]:
        """The counts of the stage as a whole."""
        return {name: count for name, count in self.counts.items() if "." not in name}

    @property
    def steps(self) -> dict[str, dict[str, int | float]]:
        """Step -> "rows" and how many of them ended in which way; each way that did not occur is 0."""
        steps: dict[str, dict[str, int | float]] = {}
        for name, count in self.counts.items():
            step, _, way = name.rpartition(".")
            if step:
                steps.setdefault(step, dict.fromkeys(ROW_COUNTS, 0))[way] = count
        return steps


class Manifest(BaseModel):
    """All stages of a run folder."""

    model_config = ConfigDict(extra="forbid")

    created: str
    code_version: str = __version__
    stages: dict[str, StageEntry] = {}

    @classmethod
    def load(cls, store: RunStore) -> Manifest:
        """The manifest of a run folder, or a fresh one.

        Raises:
            RunFolderError: there is one, but it cannot be read.
        """
        if not store.exists(MANIFEST):
            return cls(created=now())
        try:
            return cls.model_validate(store.read_json(MANIFEST))
        except ValueError as error:
            why = str(error).splitlines()[0]
            raise RunFolderError(
                f"{store.path(MANIFEST)} is not a manifest of this version ({why}); use a new run_dir"
            ) from None

    def save(self, store: RunStore) -> None:
        """Write atomically."""
        store.write_json(MANIFEST, self.model_dump())

    def is_done(self, stage: str) -> bool:
        """Whether the stage finished."""
        entry = self.stages.get(stage)
        return entry is not None and entry.status == "done"

    def changed_keys(self, stage: str, settings: dict[str, Any]) -> list[str]:
        """Dotted keys on which ``settings`` and the stage's recorded settings disagree."""
        recorded = self.stages[stage].settings
        return [k for k in sorted({*recorded, *settings}) if recorded.get(k) != settings.get(k)]


def now() -> str:
    """UTC time, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def settings_hash(settings: dict[str, Any]) -> str:
    """A short hash of a stage's settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
