"""What :class:`PromptQueue` has to know to go on from a checkpoint, step by step, in a run folder.

Collaborators: ``grpo_async`` keeps one at the end of each step, and restores that of its checkpoint.
Invariant: lines are only added; of two for one step the later counts, as it is of the run that went on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psyche_rl.store import RunStore
from psyche_rl.store.intact import intact


@dataclass(frozen=True)
class PromptStates:
    """``<stage>/prompts.jsonl``."""

    store: RunStore
    stage: str

    def keep(self, step: int, state: Mapping[str, Any]) -> None:
        """Note the state at the end of ``step``."""
        self.store.append_text(self._rel, json.dumps({"step": step, **state}) + "\n")

    def at(self, step: int) -> Mapping[str, Any] | None:
        """That of ``step``; None at the start."""
        lines = self.store.read_json_lines(self._rel)
        with intact(self.store.path(self._rel), self._rel):
            return next((line for line in reversed(lines) if line["step"] == step), None)

    @property
    def _rel(self) -> str:
        return f"{self.stage}/prompts.jsonl"
