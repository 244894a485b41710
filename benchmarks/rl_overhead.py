"""Our GRPO against a loop without any framework: same engine, same learner, same step.

The plain loop is one process that calls vLLM, the rewards and the learner one after another: no Ray, no
ledger, no records, no checks. Ours is sync mode as it is run, with one rollout worker and one rank, so that
at any time one of the two computes, as in the plain loop; it does its books and records in that time too.
Samples per second of whole steps, prompts and replies of profile ``mini`` (``grpo_profiles.py``). Goal 0.95.

Both are processes of their own that take their steps in turn (``turns.py``); the median of neighbours.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from house import ROOT

# isort: split

import numpy as np
from grpo_profiles import KL_COEF, LR, PROFILES, ours, prompts_of, save_model, text_of
from turns import Side, Turns, in_turn, over

GOALS = {"over_plain": 0.95}
PROFILE = replace(PROFILES["mini"], steps=24)


def measure() -> dict[str, Any]:
    """All figures."""
    sides = {
        name: Side([sys.executable, str(Path(__file__).resolve()), name], _env())
        for name in ("plain", "ours")
    }
    took, figures = in_turn(sides, PROFILE.steps)
    samples = PROFILE.prompts * PROFILE.group
    return {
        "steps_s": took,
        "ours": figures["ours"],
        "samples_per_s": {name: samples / statistics.median(seconds) for name, seconds in took.items()},
        "over_plain": over(took["plain"], took["ours"]),
    }


def checks(figures: dict[str, Any]) -> list[tuple[str, float, float, bool]]:
    """What each figure is, its value, its goal, and whether that is met."""
    ratio, goal = figures["over_plain"], GOALS["over_plain"]
    return [("samples/s of GRPO over a plain loop", ratio, goal, ratio >= goal)]


def shown(figures: dict[str, Any]) -> list[tuple[str, float]]:
    """What has no goal."""
    return [(f"samples/s, {name}", rate) for name, rate in figures["samples_per_s"].items()]


def _env() -> dict[str, str]:
    from actors.engines.starting import engine_env
    from psyche_rl.config.engine import EngineConfig

    return {**os.environ, **engine_env(EngineConfig(threads=1), on_gpu=False), "PYTHONPATH": str(ROOT)}


def plain(folder: Path) -> dict[str, float]:
    """What a user would write."""
    import torch
    import torch.distributed as dist

    from actors.engines.vllm_engine import VllmEngine
    from psyche_rl.config.engine import EngineConfig
    from psyche_rl.config.learner import LearnerConfig
    from psyche_rl.learner.learner import Learner
    from psyche_rl.learner.objectives import PolicyObjective
    from psyche_rl.learner.schedule import OptimSettings
    from psyche_rl.learner.sequence import PolicySequence
    from psyche_rl.records import GenerationRequest
    from rewards import RewardSample, exam_reward

    torch.set_num_threads(1)
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    reward, objective = exam_reward(1.0, 0.5), PolicyObjective(kl_coef=KL_COEF)
    prompts = prompts_of(PROFILE, 4 * PROFILE.prompts)
    learner = Learner(
        folder / "model",
        LearnerConfig(
            dtype="float32", row_tokens=PROFILE.row_tokens, micro_batch_tokens=PROFILE.micro_batch_tokens
        ),
        OptimSettings(LR, "constant", 10**6), torch.device("cpu"), True,
    )  # fmt: skip
    engine = VllmEngine(
        str(folder / "model"),
        EngineConfig(dtype="float32", max_model_len=512, kv_cache_mib=64, enforce_eager=True, threads=1),
    )
    turns = Turns()
    for step in range(PROFILE.steps + 1):
        asked = [prompts[(step * PROFILE.prompts + n) % len(prompts)] for n in range(PROFILE.prompts)]
        groups = engine.generate([
            GenerationRequest(
                id=str(n), prompt_ids=tuple(ids), n=PROFILE.group, max_tokens=PROFILE.reply,
                stop_token_ids=(), seed=step * PROFILE.prompts + n,
            )
            for n, ids in enumerate(asked)
        ])  # fmt: skip
        sequences = []
        for ids, samples in zip(asked, groups, strict=True):
            text = text_of(ids)
            given = [
                RewardSample(id=s.id, response=text_of(s.response_ids), gold="A", kind="single", prompt=text)
                for s in samples
            ]
            values = np.asarray([reward.score(sample).value for sample in given], float)
            advantages = (values - values.mean()) / (values.std(ddof=1) + 1e-6)
            sequences += [
                PolicySequence.of(s.prompt_ids, s.response_ids, None, float(a))
                for s, a in zip(samples, advantages, strict=True)
            ]
        reference = learner.reference_logprobs(sequences)
        for sequence, logprobs in zip(sequences, reference, strict=True):
            object.__setattr__(sequence, "reference_logprobs", logprobs)
        learner.policy_backward(sequences, objective)
        learner.optimizer_step()
        engine.update_weights(learner.full_weights() or {}, step + 1)
        turns.next_turn()
    return {}


def main() -> None:
    """Be one of the two, and print its figures."""
    with tempfile.TemporaryDirectory(prefix="psyche-rl-overhead-") as folder:
        save_model(Path(folder, "model"))
        found = plain(Path(folder)) if sys.argv[1] == "plain" else ours(PROFILE, 1, Path(folder))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
