"""What a run folder says of the model that it trained.

Collaborators: the stages' files; ``write_card`` shows it. Invariants:
- Nothing is worked out here that a stage recorded: counts are the manifest's, accuracies the evaluation's.
- What the run does not hold yet is absent, and the card says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psyche_rl.config.shareable import without_paths
from psyche_rl.stages.settings import as_run
from psyche_rl.store import Manifest, RunStore
from psyche_rl.store.saved_config import saved_config

_SHOWN = {"base": "base model", "sft": "after SFT", "grpo": "this model (GRPO)"}


@dataclass(frozen=True)
class ModelFacts:
    """``stages``: stage -> its counts. ``evaluation``: model -> figures of ``eval/summary.json``, or nothing.
    ``contamination``: what decontamination compared and removed; None where it was not asked."""

    config: Mapping[str, Any]
    code_version: str
    stages: Mapping[str, Mapping[str, int | float]]
    evaluation: Mapping[str, Mapping[str, Any]]
    dev: Mapping[str, float] | None
    contamination: Mapping[str, Any] | None
    domain: Mapping[str, Any]

    @property
    def is_mini(self) -> bool:
        """Whether everything comes from the mini world."""
        return bool(self.config.get("mini"))

    @property
    def base(self) -> str:
        """The model that training began from."""
        return str(self.config.get("model") or "a tiny model made by the mini world")


def model_facts(store: RunStore) -> ModelFacts:
    """Read what is there."""
    manifest = Manifest.load(store)
    config = as_run(saved_config(store), (entry.settings for entry in manifest.stages.values()))
    summary = _json(store, "eval/summary.json") or {}
    return ModelFacts(
        config=without_paths(config),
        code_version=manifest.code_version,
        stages={name: entry.figures for name, entry in manifest.stages.items() if entry.figures},
        evaluation={_SHOWN[name]: summary[name] for name in _SHOWN if name in summary},
        dev=_dev(store),
        contamination=_json(store, "select/contamination.json"),
        domain=_json(store, "synth/domain.json") or {},
    )


def _dev(store: RunStore) -> dict[str, float] | None:
    """The newest accuracy on the dev split during GRPO, and its step."""
    rows = [row for row in store.read_json_lines("grpo/metrics.jsonl") if "eval/strict_accuracy" in row]
    return {"step": rows[-1]["step"], "accuracy": rows[-1]["eval/strict_accuracy"]} if rows else None


def _json(store: RunStore, rel: str) -> Any:
    return store.read_json(rel) if store.exists(rel) else None
