"""The manifest: what each stage of a run did, with which config and inputs, and what came out.

Pure data; ``launch.pipeline`` writes it, status, report and publish read it.
- ``settings`` hold everything the stage was configured with, so that a run can be described from here alone.
- A manifest of another layout is refused in one line, never half understood.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from psyche_rl import __version__
from psyche_rl.errors import RunFolderError
from psyche_rl.store.outputs import Output
from psyche_rl.store.run_store import RunStore

MANIFEST = "manifest.json"
LAYOUT = 2
"""Of run folders; counts up when older ones can no longer be read."""
ROW_COUNTS = ("rows", "ok", "filtered", "failed", "quarantined")


class SettingChange(BaseModel):
    """A setting with which a stage went on that is not the one it began with."""

    model_config = ConfigDict(extra="forbid")

    key: str
    old: Any
    new: Any
    step: int | None = None
    """The training step after which it holds; None for stages without steps."""
    at: str


class StageEntry(BaseModel):
    """One stage's row in the manifest. ``seconds`` adds up over attempts."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["running", "done", "failed", "stopped"]
    started: str
    finished: str | None = None
    seconds: float = 0.0
    attempts: int = 1
    settings: dict[str, Any] = {}
    """Dotted key -> value, of the newest attempt."""
    settings_hash: str = ""
    """Of the settings that decide results."""
    changes: list[SettingChange] = []
    environment: dict[str, Any] = {}
    """Code, machine and libraries of the newest attempt (see ``environment.py``)."""
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

    layout: int = LAYOUT
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
            tree = store.read_json(MANIFEST)
            layout = tree.get("layout", 1) if isinstance(tree, dict) else None
            if layout != LAYOUT:
                raise ValueError(f"its layout is {layout}, this version reads {LAYOUT}")
            return cls.model_validate(tree)
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


def require_run(store: RunStore, named: str = "") -> None:
    """Refuse a folder that holds no run; ``named`` is what the user called it.

    Raises:
        RunFolderError: there is no manifest.
    """
    if not store.exists(MANIFEST):
        raise RunFolderError(f"{named or store.url}: no run here ({MANIFEST} is missing); check the path")


def now() -> str:
    """UTC time, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
