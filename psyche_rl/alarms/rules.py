"""One rule for each thing that goes wrong in GRPO: is it so at the newest of these rows?

Pure: rows of ``grpo/metrics.jsonl`` in, a sentence out, or None where all is well or nothing can be told yet.
Collaborators: ``raised`` walks a run's rows.
Invariants:
- A rule compares a run with its own past, so that it needs no figures of the model or the reward; each has a
  floor as well, below which a ratio is noise.
- Rows without a rule's metric, or in which it is not finite, are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from statistics import fmean, median

Rows = Sequence[Mapping[str, float]]

WINDOW = 5
"""Steps that are averaged: one step of 64 prompts moves by a tenth without any cause."""
PAST = 20
"""Steps before them that count as the past."""
COLLAPSE_SHARE = 0.5
"""Half of the best reward is gone: well beyond what exploration costs for a while."""
COLLAPSE_NOISE = 4.0
"""Times the usual change from step to step, for rewards around 0 whose half is nothing."""
SPIKE = 10.0
"""KL and ratio drift by small factors over ten steps; tenfold in one is a jump."""
KL_FLOOR = 0.5
"""Nats per token: mini runs go from 0 to 0.26 within six steps, and are well."""
RATIO_FLOOR = 20.0
"""Single tokens reach 10 at staleness 1 and are clipped."""
RATIO_MEAN = 0.2
"""Under the policy that sampled, ratios have mean 1; so far off, the samples are another policy's."""
FLOOD = 0.95
"""Mini runs reach 0.83 late and still learn; beyond this a step has a handful of groups to learn from."""
STALL = 5.0
"""Times the usual step."""
STALL_FLOOR_S = 60.0
"""A step of a second may take six once, while a checkpoint is written."""
EXPLOSION = 2.0
"""Reasoning grows longer over hundreds of steps; doubling within twenty is repetition."""
TRUNCATED, TRUNCATED_BEFORE = 0.5, 0.1
"""Half of the replies are cut off, where hardly one was: the length itself is capped by max_tokens."""
DRIFT, DRIFT_FLOOR = 3.0, 0.02
"""Times the disagreement of the first steps, and nats: bf16 kernels differ by 0.01 to 0.02 on average."""


def series(rows: Rows, name: str) -> list[float]:
    """The finite values of a metric, oldest first."""
    return [row[name] for row in rows if isfinite(row.get(name, float("nan")))]


def reward_collapse(rows: Rows) -> str | None:
    """The mean reward has fallen far below the best it ever was."""
    rewards = series(rows, "reward/mean")
    if len(rewards) < 2 * WINDOW:
        return None
    means = [fmean(rewards[i : i + WINDOW]) for i in range(len(rewards) - WINDOW + 1)]
    best, now = max(means), means[-1]
    noise = median(abs(b - a) for a, b in pairwise(rewards))
    if best - now > max(COLLAPSE_SHARE * abs(best), COLLAPSE_NOISE * noise):
        return f"reward/mean fell to {now:.3g} over {WINDOW} steps, from {best:.3g}"
    return None


def kl_spike(rows: Rows) -> str | None:
    """The KL to the reference has jumped."""
    return _spike(rows, "kl/mean", KL_FLOOR)


def ratio_spike(rows: Rows) -> str | None:
    """Importance ratios have jumped, or their mean has left 1."""
    means = series(rows[-1:], "policy/ratio_mean")
    if means and abs(means[0] - 1) > RATIO_MEAN:
        return f"policy/ratio_mean is {means[0]:.3g}, and should be 1"
    return _spike(rows, "policy/ratio_max", RATIO_FLOOR)


def zero_variance_flood(rows: Rows) -> str | None:
    """Nearly all groups have one reward, and teach nothing."""
    shares = series(rows[-WINDOW:], "group/zero_variance_share")
    if len(shares) == WINDOW and fmean(shares) >= FLOOD:
        return f"{fmean(shares):.0%} of the groups had no variance over {WINDOW} steps"
    return None


def stall(rows: Rows, waiting_s: float | None = None) -> str | None:
    """A step took, or takes, much longer than usual.

    Args:
        waiting_s: seconds since the newest row was written, for who watches; None to judge that row.
    """
    times = series(rows, "time/step_s")[-PAST - 1 :]
    past, took = (times[:-1], times[-1:]) if waiting_s is None else (times, [waiting_s])
    if len(past) < WINDOW or not took:
        return None
    usual = median(past)
    if took[0] > max(STALL * usual, usual + STALL_FLOOR_S):
        verb = "took" if waiting_s is None else "has been under way for"
        return f"the step {verb} {took[0]:.0f} s, where {usual:.3g} s are usual"
    return None


def length_explosion(rows: Rows) -> str | None:
    """Replies grow without bound, or run into the limit."""
    lengths = series(rows, "response/length_mean")
    now, past = lengths[-WINDOW:], lengths[-WINDOW - PAST : -WINDOW]
    if len(past) >= WINDOW and fmean(now) > EXPLOSION * median(past):
        return f"response/length_mean is {fmean(now):.4g} over {WINDOW} steps, it was {median(past):.4g}"
    shares = series(rows, "response/truncated_share")
    now, past = shares[-WINDOW:], shares[-WINDOW - PAST : -WINDOW]
    if len(past) >= WINDOW and fmean(now) >= TRUNCATED and median(past) <= TRUNCATED_BEFORE:
        return f"{fmean(now):.0%} of the replies are cut off at max_tokens, it was {median(past):.0%}"
    return None


def engine_drift(rows: Rows) -> str | None:
    """Engine and learner disagree more and more on the same tokens."""
    gaps = series(rows, "sync/logprob_diff_mean")
    if len(gaps) < 2 * WINDOW:
        return None
    first, now = median(gaps[:WINDOW]), fmean(gaps[-WINDOW:])
    if now > max(DRIFT * first, DRIFT_FLOOR):
        return f"sync/logprob_diff_mean is {now:.3g} nats over {WINDOW} steps, it began at {first:.3g}"
    return None


def _spike(rows: Rows, name: str, floor: float) -> str | None:
    newest, past = series(rows[-1:], name), series(rows[:-1], name)[-PAST:]
    if newest and len(past) >= WINDOW and newest[0] > max(SPIKE * median(past), floor):
        return f"{name} is {newest[0]:.3g}, it was {median(past):.3g}"
    return None


RULES: Mapping[str, Callable[[Rows], str | None]] = {
    rule.__name__: rule
    for rule in (
        reward_collapse,
        kl_spike,
        ratio_spike,
        zero_variance_flood,
        stall,
        length_explosion,
        engine_drift,
    )
}
"""Alarm -> rule."""
