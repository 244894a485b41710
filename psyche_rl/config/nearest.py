"""The name that a mistyped one was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

ALIKE = 0.5
ELSEWHERE = {
    "learning_rate": "lr",
    "beta": "kl_coef",
    "kl_loss_coef": "kl_coef",
    "num_generations": "group_size",
    "n_samples_per_prompt": "group_size",
    "rollout_n": "group_size",
    "train_batch_size": "prompts_per_step",
    "rollout_batch_size": "prompts_per_step",
    "ppo_mini_batch_size": "mini_batch_prompts",
    "max_completion_length": "max_tokens",
    "max_new_tokens": "max_tokens",
    "max_response_length": "max_tokens",
    "loss_agg_mode": "loss_aggregation",
    "adv_estimator": "advantage",
    "total_steps": "max_steps",
    "num_train_epochs": "epochs",
    "output_dir": "run_dir",
    "model_name_or_path": "model",
    "model_path": "model",
    "loss_type": "policy_loss",
    "lora_r": "rank",
    "test_freq": "eval_every",
    "save_freq": "save_every",
}
"""What verl, TRL and OpenRLHF call a key -> its name here."""


def nearest(wanted: str, names: Iterable[str], alike: float = ALIKE) -> str | None:
    """The most similar of ``names``; of equally similar ones that which begins like ``wanted``.

    >>> nearest("groop", ["rloo", "grpo"])
    'grpo'
    >>> nearest("learning_rate", ["lr", "learner"])
    'lr'
    """
    names = list(names)
    if ELSEWHERE.get(wanted) in names:
        return ELSEWHERE[wanted]
    close = [(difflib.SequenceMatcher(None, name, wanted).ratio(), name) for name in names]
    close = [(likeness, name) for likeness, name in close if likeness >= alike]
    if not close:
        return None
    return max(close, key=lambda pair: (pair[0], pair[1][:1] == wanted[:1], pair[1]))[1]
