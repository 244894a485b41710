"""The policy objectives and advantages from the papers' formulas, in numpy; nothing here is verl's.

Losses give their value and the gradient by each token's logprob, so that what a paper stops gradients at is
checked too.
"""

from __future__ import annotations

import numpy as np

LONGEST = 20
"""The divisor of Dr. GRPO."""


def weights(masks, aggregation):
    """How much each token's loss counts, sequence by sequence."""
    kept = [m for m in masks if m.any()]
    tokens, sequences = sum(m.sum() for m in masks), len(kept)
    return [
        m
        * {
            "token-mean": 1 / tokens,
            "token-sum": 1.0,
            "seq-mean-token-sum": 1 / sequences,
            "seq-mean-token-mean": 1 / sequences / max(m.sum(), 1),
            "seq-mean-token-sum-norm": 1 / sequences / LONGEST,
        }[aggregation]
        for m in masks
    ]


def vanilla(s, lp, low, high, dual):
    """PPO-clip (arXiv 1707.06347) with clip-higher (2503.14476) and dual clip (1912.09729)."""
    ratio, a = np.exp(lp - s.old_logprobs), s.advantages
    inside = (ratio <= 1 + high) | (a < 0)
    inside &= (ratio >= 1 - low) | (a > 0)
    loss = np.where(inside, -ratio * a, -np.clip(ratio, 1 - low, 1 + high) * a)
    capped = (a < 0) & (ratio > dual)
    return np.where(capped, -dual * a, loss), np.where(inside & ~capped, -ratio * a, 0.0)


def gspo(s, lp, low, high, dual):
    """Sequence ratio s_i = exp(mean log ratio) for each token (arXiv 2507.18071, GSPO-token)."""
    count = max(s.mask.sum(), 1)
    ratio = np.exp(((lp - s.old_logprobs) * s.mask).sum() / count)
    a = s.advantages
    inside = np.where(a > 0, ratio <= 1 + high, ratio >= 1 - low)
    loss = np.where(inside, -ratio * a, -np.clip(ratio, 1 - low, 1 + high) * a)
    return loss, np.where(inside, -ratio * a, 0.0)


def cispo(s, lp, low, high, dual):
    """-sg(clip(r)) A log p (arXiv 2506.13585)."""
    weight = np.clip(np.exp(lp - s.old_logprobs), 1 - low, 1 + high) * s.advantages
    return -weight * lp, -weight


PER_TOKEN = {"vanilla": vanilla, "gspo": gspo, "cispo": cispo}


def low_var_kl(s, lp):
    """k3 of Schulman's note, with verl's cap of 10."""
    gap = s.reference_logprobs - lp
    value = np.exp(gap) - gap - 1
    return np.minimum(value, 10), np.where(value < 10, 1 - np.exp(gap), 0.0)


def objective(sequences, logprobs, entropies, *, name, aggregation, low, high, dual, kl_coef, entropy_coeff):
    """Loss, and its gradients by logprobs and by entropies."""
    share = weights([s.mask for s in sequences], aggregation)
    loss, by_logprob, by_entropy = 0.0, [], []
    for s, lp, entropy, w in zip(sequences, logprobs, entropies, share, strict=True):
        value, slope = PER_TOKEN[name](s, lp, low, high, dual)
        kl, kl_slope = low_var_kl(s, lp)
        loss += (w * (value + kl_coef * kl - entropy_coeff * entropy)).sum()
        by_logprob.append(w * (slope + kl_coef * kl_slope))
        by_entropy.append(-entropy_coeff * w)
    return loss, by_logprob, by_entropy


def geo_mean(sequences, logprobs, low, high):
    """GMPO (arXiv 2507.20673): the geometric mean of each sequence's ratios, clipped token by token."""
    kept = [(s, lp) for s, lp in zip(sequences, logprobs, strict=True) if s.mask.any()]
    losses = []
    for s, lp in kept:
        a, gap = s.advantages[s.mask][0], (lp - s.old_logprobs)[s.mask]
        clipped = np.clip(gap, -low, high)
        least = np.minimum(gap, clipped) if a > 0 else np.maximum(gap, clipped)
        losses.append(-a * np.exp(least.mean()))
    return np.mean(losses)


def advantages(name, token_rewards, groups, lengths):
    """[tokens] for each sample; ``token_rewards`` holds arrays."""
    total = np.array([r.sum() for r in token_rewards])
    found = []
    for i, group in enumerate(groups):
        mine = [j for j, g in enumerate(groups) if g == group]
        others = [j for j in mine if j != i]
        found.append(
            {
                "grpo": (total[i] - total[mine].mean()) / (total[mine].std(ddof=1) + 1e-6),
                "dr_grpo": total[i] - total[mine].mean(),
                "rloo": total[i] - total[others].mean(),
                "opo": total[i] - np.average(total[mine], weights=[lengths[j] for j in mine]),
            }.get(name, np.nan)
        )
    if name != "reinforce_plus_plus":
        return [np.full(n, value) for n, value in zip(lengths, found, strict=True)]
    returns = [r[::-1].cumsum()[::-1] for r in token_rewards]
    every = np.concatenate(returns)
    return [(r - every.mean()) / np.sqrt(every.var(ddof=1) + 1e-8) for r in returns]
