"""The names that verl knows. Written by scripts/verl_names.py: do not edit.

Read by ``grpo``, so that a mistyped name is told at load, without importing torch.
"""

from __future__ import annotations

VERL = "0.9.1"
"""The version these names were read from."""

ADVANTAGES: dict[str, str | None] = {
    "gae": "it needs values, lam, which outcome rewards lack",
    "gdpo": "it needs the parts of a reward apart, without which it is 'grpo', whitened",
    "gpg": None,
    "grpo": None,
    "grpo_passk": None,
    "grpo_vectorized": None,
    "opo": None,
    "optimal_token_baseline": "it needs old_log_probs, sum_pi_squared, which outcome rewards lack",
    "reinforce_plus_plus": None,
    "reinforce_plus_plus_baseline": None,
    "remax": "it needs reward_baselines, which outcome rewards lack",
    "rloo": None,
    "rloo_vectorized": None,
    "tir_optimal_token_baseline": "it needs old_log_probs, sum_pi_squared, which outcome rewards lack",
}

POLICY_LOSSES: dict[str, str | None] = {
    "bypass_mode": "it needs the settings of rollout_correction, without which it is 'vanilla'",
    "cispo": None,
    "clip_cov": "it draws tokens from each micro-batch, so that its size would change the loss",
    "dppo_kl": None,
    "dppo_tv": None,
    "dro": "it needs dro_beta, for which there is no key",
    "geo_mean": None,
    "gpg": None,
    "gspo": None,
    "kl_cov": "it picks tokens by the quantiles of each micro-batch, so that its size would change the loss",
    "sapo": None,
    "vanilla": None,
}

KL_ESTIMATORS: dict[str, str | None] = {
    "abs": None,
    "full": "it needs the logits of the whole vocabulary",
    "k1": None,
    "k2": None,
    "k3": None,
    "kl": None,
    "low_var_kl": None,
    "mse": None,
    "abs+": None,
    "k1+": None,
    "k2+": None,
    "k3+": None,
    "kl+": None,
    "low_var_kl+": None,
    "mse+": None,
}

LOSS_AGGREGATIONS: dict[str, str | None] = {
    "seq-mean-token-mean": None,
    "seq-mean-token-sum": None,
    "seq-mean-token-sum-norm": None,
    "token-mean": None,
    "token-sum": None,
}
