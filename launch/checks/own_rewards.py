"""Whether the reward of GRPO can be loaded, and gives a score.

It is tried in a process that can be killed, as in training; a judge, who costs money, is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from launch.checks.run_findings import RunFindings
from psyche_rl.config import RunConfig
from psyche_rl.errors import PsycheError
from rewards import RewardSample, RewardSetError, load_reward_set

KEY = "grpo.reward.config"
TRIED = {
    "single": RewardSample(
        id="a", response="<think>…</think>答案：A", gold="A", kind="single", options=("是", "否")
    ),
    "multiple": RewardSample(
        id="b", response="<think>…</think>答案：AB", gold="AB", kind="multiple", options=("一", "二", "三")
    ),
}
"""A right reply to a question of each kind that GRPO trains on."""


def check_reward(config: RunConfig, stages: Sequence[str], findings: RunFindings) -> None:
    """The reward set loads, and each kind of question gets a ``Score`` or a typed error of its own making."""
    reward = config.grpo.reward
    if "grpo" not in stages:
        return
    if reward.pool is not None:
        findings.skip(f"grpo.reward.pool: whether the cluster has a pool '{reward.pool}' with this reward")
    if reward.config is None:
        return
    try:
        loaded = load_reward_set(reward.config)
    except RewardSetError as error:
        findings.problem(
            KEY, reward.config, str(error), "correct the file; docs/rewards.md says what it holds"
        )
        return
    if loaded.is_async:
        findings.skip(f"{KEY}: scores of '{loaded.name}', which asks a server")
        return
    from actors.scoring.local import killable_scorer

    try:
        with killable_scorer(loaded, reward.timeout_s, workers=1, memory_mib=reward.memory_mib) as score:
            scores = score(list(TRIED.values()))
    except PsycheError as error:
        findings.error(KEY, reward.config, error, "correct the reward")
        return
    for kind, found in zip(TRIED, scores, strict=True):
        if found.error is not None and found.error.kind in ("scorer_exception", "timeout"):
            wrong = f"no score for a {kind} question: {found.error.message}"
            findings.problem(
                KEY, reward.config, wrong, "correct the class; `psyche-rl rewards test` tries it"
            )
