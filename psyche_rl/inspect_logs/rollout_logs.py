"""Training rollouts as logs of inspect: a file for each step, its groups as items, their replies as epochs.

Collaborators: the run's ``grpo/rollouts`` parquet files (``ScoredSample``), ``sample_log``. Invariants:
- Reward, each of its parts and the advantage of every reply are scores of their own, so that the viewer sorts
  and filters by them; a reply that could not be scored says why.
- The replies of a group stand together, in the order in which they were sampled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from psyche_rl.errors import DataError, RunFolderError
from psyche_rl.inspect_logs.sample_log import LoggedSample, write_log
from psyche_rl.records import ScoredSample
from psyche_rl.store import RunStore

ROLLOUTS = "grpo/rollouts"


def write_rollout_logs(
    run: str, folder: Path, steps: range | None = None, created: str | None = None
) -> list[Path]:
    """Write a log of each step of a run (of ``steps``, where given) into ``folder``; returns their paths.

    Raises:
        RunFolderError: the run has no rollouts.
        DataError: it has none of these steps.
        ConfigError: the extra ``inspect`` is not installed.
    """
    store = RunStore(run)
    files = store.glob(f"{ROLLOUTS}/step_*.parquet")
    if not files:
        raise RunFolderError(f"{run} holds no {ROLLOUTS}; run the stage grpo first")
    numbered = {int(file.rpartition("_")[2].removesuffix(".parquet")): file for file in files}
    wanted = {step: file for step, file in numbered.items() if steps is None or step in steps}
    if not wanted:
        raise DataError(f"{run}: no rollouts of these steps; it has {min(numbered)} to {max(numbered)}")
    created = created or datetime.now(UTC).isoformat(timespec="seconds")
    folder.mkdir(parents=True, exist_ok=True)
    name = store.url.rpartition("/")[2]
    return [
        _step_log(folder, name, created, step, store.read_records(file, ScoredSample))
        for step, file in sorted(wanted.items())
    ]


def _step_log(folder: Path, run: str, created: str, step: int, rows: Sequence[ScoredSample]) -> Path:
    groups: defaultdict[str, list[ScoredSample]] = defaultdict(list)
    for row in rows:
        groups[row.group_id].append(row)
    samples = [_logged(row, at, run) for group in groups.values() for at, row in enumerate(group)]
    names = list(dict.fromkeys(name for sample in samples for name in sample.scores))
    rewards = [[row.reward for row in group if row.reward is not None] for group in groups.values()]
    facts = {
        "step": step,
        "groups": len(groups),
        "groups_without_variance": sum(len(set(found)) < 2 for found in rewards),
        "replies_without_reward": sum(row.reward is None for row in rows),
    }
    means = {name: _mean(samples, name) for name in names}
    return write_log(folder, f"grpo-step-{step:06d}", run, created, samples, means, facts)


def _logged(row: ScoredSample, place: int, run: str) -> LoggedSample:
    scores: dict[str, float | None] = {"reward": row.reward, "advantage": row.advantage, **row.reward_parts}
    facts = row.model_dump(
        exclude={"prompt", "response", "gold", "reward", "advantage", "reward_parts", "finish_reason", "stem"}
    )
    no_reward = f"could not be scored: {row.reward_error}" if row.reward_error else ""
    return LoggedSample(
        id=row.group_id,
        sample=place,
        prompt=[{"role": "user", "content": row.prompt}],
        reply=row.response,
        target=row.gold,
        model=run,
        scores=scores,
        ended=row.finish_reason,
        notes={
            "reward": no_reward,
            "advantage": "" if row.advantage is not None else "no part in the training",
        },
        tokens=(0, row.response_length),
        metadata={key: value for key, value in facts.items() if value is not None},
    )


def _mean(samples: Sequence[LoggedSample], name: str) -> dict[str, float]:
    values = [value for sample in samples if (value := sample.scores.get(name)) is not None]
    return {"mean": sum(values) / len(values)} if values else {}
