"""What a GRPO step's samples, scores and updates say, under the field's names.

Pure. Collaborator: ``step_batch`` holds the rows; docs/metrics.md explains each name.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from psyche_rl.loops.step_batch import StepBatch


def rollout_metrics(batch: StepBatch, version: int | None = None) -> dict[str, float]:
    """What the step's samples and scores say, under the field's names.

    Args:
        version: that the step starts from; staleness is counted from it. None: every token is that version's.
    """
    rewards = np.array([r.score.value for r in batch.rows if r.score.value is not None])
    lengths = np.array([len(s.response_ids) for s in batch.samples])
    values_of: dict[int, list[float]] = {}
    for row in batch.rows:
        if row.score.value is not None:
            values_of.setdefault(row.place, []).append(row.score.value)
    flat_groups = [max(v) == min(v) for v in values_of.values() if len(v) > 1]
    parts = sorted({name for row in batch.rows for name in row.score.parts})
    part_means = {
        f"reward/{name}": float(np.mean([r.score.parts[name] for r in batch.rows if name in r.score.parts]))
        for name in parts
    }
    taken = [row.kl_penalty for row in batch.rows if row.kl_penalty is not None]
    return {
        "reward/mean": float(rewards.mean()) if rewards.size else float("nan"),
        "reward/std": float(rewards.std()) if rewards.size else float("nan"),
        **part_means,
        **({"reward/kl_penalty": float(np.mean(taken))} if taken else {}),
        "reward/errors": float(len(batch.rows) - len(rewards)),
        "reward/error_share": 1 - len(rewards) / max(1, len(batch.rows)),
        "group/zero_variance_share": float(np.mean(flat_groups)) if flat_groups else 0.0,
        "group/dropped": float(len(batch.dropped)),
        "response/length_mean": float(lengths.mean()),
        "response/length_max": float(lengths.max()),
        "response/truncated_share": float(np.mean([s.finish_reason == "length" for s in batch.samples])),
        **staleness(batch, version),
    }


def staleness(batch: StepBatch, version: int | None) -> dict[str, float]:
    """Versions between a token and the step, over all tokens; the largest is that of the oldest token."""
    if version is None:
        return {"staleness/mean": 0.0, "staleness/max": 0.0}
    ages = version - np.concatenate([np.asarray(s.weight_versions) for s in batch.samples])
    return {"staleness/mean": float(ages.mean()), "staleness/max": float(ages.max())}


LEARNER_NAMES = {
    "loss": "loss/total",
    "policy_loss": "loss/policy",
    "kl": "kl/mean",
    "entropy": "policy/entropy",
    "clip_fraction": "policy/clip_fraction",
    "approx_kl": "policy/approx_kl",
    "ratio_mean": "policy/ratio_mean",
    "ratio_max": "policy/ratio_max",
    "outside_share": "policy/outside_share",
    "is_mean": "rollout_is/mean",
    "is_truncated": "rollout_is/truncated_share",
    "grad_norm": "policy/grad_norm",
    "lr": "policy/lr",
    "fill": "packing/fill",
    "prompts_saved": "packing/prompts_saved",
}


def merge_metrics(parts: Sequence[dict[str, float]]) -> dict[str, float]:
    """A step's learner metrics over its mini-batches: means, but the largest of ``ratio_max``."""
    if not parts:
        return {}
    merged = {}
    for key, name in LEARNER_NAMES.items():
        values = [part[key] for part in parts if key in part]
        if values:
            merged[name] = max(values) if key.endswith("_max") else sum(values) / len(values)
    return merged
