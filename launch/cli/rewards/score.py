"""``psyche-rl rewards score``: what a reward makes of a file. Imports what it needs when it runs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from launch.cli.arguments import AsJson
from launch.cli.rewards.options import MemoryMib, RewardSet, TimeoutS
from psyche_rl.scoring_limits import MEMORY_MIB, TIMEOUT_S
from psyche_rl.terminal.plain import echo


def score(
    config: RewardSet,
    file: Annotated[str, typer.Argument(help="samples, or a run's rollouts", metavar="FILE.jsonl|parquet")],
    timeout_s: TimeoutS = TIMEOUT_S,
    memory_mib: MemoryMib = MEMORY_MIB,
    as_json: AsJson = False,
    out: Annotated[str | None, typer.Option(help="write each row's score to this parquet file")] = None,
) -> None:
    """Score a file: means, parts, errors and the most suspicious replies; exit 1 if rows were bad."""
    from actors.scoring.local import killable_scorer
    from launch.cli.rewards import score_tables
    from launch.sample_rows import good_samples
    from launch.stages.training_reward import reward_set

    reward = reward_set(config)
    rows, bad = good_samples(file)
    with killable_scorer(reward, timeout_s, memory_mib=memory_mib or None) as scorer:
        found = score_tables.scored(scorer, rows)
    if out:
        score_tables.write_scores(found, out)
    told = score_tables.summary(reward, found, bad)
    if as_json:
        echo(json.dumps(told, ensure_ascii=False))
    else:
        score_tables.print_tables(told)
    if bad:
        raise typer.Exit(1)
