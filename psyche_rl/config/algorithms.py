"""Algorithms by name: what ``grpo.algorithm`` sets where the user states nothing.

Pure data and functions on plain trees. Collaborators: ``grpo.py`` fills up by it before checking; ``load.py``
takes out what one algorithm gave where an override names another.
Invariants:
- A key that the user states wins over the table.
- A config that was filled up and saved states every value, so it loads again to the same config.
- ``grpo`` sets nothing: it is the defaults of the keys, which are the paper's (Psyche-R1, arXiv 2508.10848).

Values are those of the papers, or of verl's recipe where the paper leaves one open:

- ``dr_grpo``: arXiv 2503.20783; verl ``docs/algo/grpo.md``. No division by the group's standard deviation nor
  by the length of the reply, no KL.
- ``rloo``: arXiv 2402.14740; verl ``examples/rloo_trainer``. Leave-one-out baseline, KL (k1) in the reward.
- ``reinforce_plus_plus``: arXiv 2501.03262. Returns whitened over the whole step, KL (k1) of each token in
  the reward. (verl's example has the KL in the loss.)
- ``opo``: arXiv 2505.23585; verl ``docs/algo/opo.md``. Length-weighted baseline, exactly on-policy (one
  mini-batch a step), no KL.
- ``gspo``: arXiv 2507.18071, section 5.1; verl ``examples/gspo_trainer``. Ratio of whole sequences, no KL.
- ``cispo``: MiniMax-M1, arXiv 2506.13585, which has no lower bound and leaves the upper one open; 0.2 is that
  of verl's ``examples/cispo_trainer``. No KL.
- ``dapo``: arXiv 2503.14476; verl ``recipe/dapo``. Clip-higher, token mean, soft overlong punishment over
  the last fifth of ``max_tokens`` (4096 of 20480), no KL. Its dynamic sampling is not here: groups without
  variance are not refilled.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Algorithm = Literal["grpo", "dr_grpo", "rloo", "reinforce_plus_plus", "opo", "gspo", "cispo", "dapo"]


@dataclass(frozen=True)
class PartOf:
    """A whole number that follows from another key of the section: ``key // divisor``."""

    key: str
    divisor: int = 1


ALGORITHMS: dict[Algorithm, dict[str, Any]] = {
    "grpo": {},
    "dr_grpo": {
        "normalize_advantage_by_std": False,
        "loss_aggregation": "seq-mean-token-sum-norm",
        "kl_coef": 0.0,
    },
    "rloo": {"advantage": "rloo", "use_kl_in_reward": True, "kl_estimator": "k1"},
    "reinforce_plus_plus": {
        "advantage": "reinforce_plus_plus",
        "use_kl_in_reward": True,
        "kl_estimator": "k1",
    },
    "opo": {"advantage": "opo", "mini_batch_prompts": PartOf("prompts_per_step"), "kl_coef": 0.0},
    "gspo": {
        "policy_loss": "gspo",
        "loss_aggregation": "seq-mean-token-mean",
        "clip_ratio_low": 3e-4,
        "clip_ratio_high": 4e-4,
        "kl_coef": 0.0,
    },
    "cispo": {"policy_loss": "cispo", "clip_ratio_low": 10.0, "clip_ratio_high": 0.2, "kl_coef": 0.0},
    "dapo": {
        "clip_ratio_low": 0.2,
        "clip_ratio_high": 0.28,
        "clip_ratio_c": 10.0,
        "loss_aggregation": "token-mean",
        "kl_coef": 0.0,
        "overlong_buffer": {"len": PartOf("max_tokens", 5), "penalty_factor": 1.0},
    },
}


SIDES = ("clip_ratio_low", "clip_ratio_high")
"""A ``clip_ratio`` that is stated holds for both sides, so it displaces the table's two."""


def with_algorithm(stated: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The values that were stated for ``grpo``, and below them those that their algorithm sets.

    Args:
        stated: the section as the user wrote it; what is wrong with it is left to the checks.
        defaults: of the keys that others follow from.
    """
    name = stated.get("algorithm", "grpo")
    table = ALGORITHMS.get(name, {}) if isinstance(name, str) else {}  # type: ignore[call-overload]
    if "clip_ratio" in stated:
        table = {key: value for key, value in table.items() if key not in SIDES}
    return _below(stated, table, {**defaults, **stated})


def without_algorithm(stated: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """``stated`` without the values that its own algorithm gives anyway: what the user chose beside it.

    A saved config and a preset spell such values out; they are no choice against another algorithm.

    Args:
        stated: the section as a file has it.
        defaults: of all keys of the section, as plain values.
    """
    set_by_some = {key for table in ALGORITHMS.values() for key in table} | {"clip_ratio"}
    chosen = {key: value for key, value in stated.items() if key not in set_by_some}
    given = {**defaults, **with_algorithm(chosen, defaults)}
    return {key: v for key, v in stated.items() if key not in set_by_some or not _same(v, given[key])}


def _same(stated: Any, given: Any) -> bool:
    """YAML 1.1 reads 3e-4 as text."""
    if isinstance(stated, str) and isinstance(given, float):
        with contextlib.suppress(ValueError):
            return float(stated) == given
    return bool(stated == given)


def _below(stated: Mapping[str, Any], table: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    full = dict(stated)
    for key, value in table.items():
        if isinstance(value, Mapping):
            section = full.get(key, {})
            if isinstance(section, Mapping):
                full[key] = _below(section, value, known)
        elif key not in full:
            resolved = _resolved(value, known)
            if resolved is not None:
                full[key] = resolved
    return full


def _resolved(value: Any, known: Mapping[str, Any]) -> Any:
    if not isinstance(value, PartOf):
        return value
    whole = known.get(value.key)
    return whole // value.divisor if type(whole) is int and whole >= value.divisor else None
