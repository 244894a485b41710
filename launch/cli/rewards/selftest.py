"""``psyche-rl rewards test CONFIG``: can a reward be cheated? Imports what it needs when it runs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from launch.cli.arguments import AsJson
from launch.cli.rewards.options import MemoryMib, RewardSet, TimeoutS
from psyche_rl.scoring_limits import MEMORY_MIB, TIMEOUT_S
from psyche_rl.terminal.plain import echo


def self_test(
    config: RewardSet,
    questions: Annotated[
        str | None, typer.Option(help="your own: JSONL or parquet; a response is a gold reply")
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(help="only questions of this kind; repeatable")] = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    memory_mib: MemoryMib = MEMORY_MIB,
    as_json: AsJson = False,
) -> None:
    """Full marks for the gold and for nothing else? Exit 1 if a hack is found."""
    from actors.scoring.local import killable_scorer
    from launch.checks import reward_selftest
    from launch.sample_rows import good_samples
    from launch.stages.training_reward import reward_set
    from psyche_rl.errors import DataError
    from rewards.selftest import selftest

    reward = reward_set(config)
    own = [sample for _, sample in good_samples(questions, response="")[0]] if questions else []
    with killable_scorer(reward, timeout_s, memory_mib=memory_mib or None) as scorer:
        result = selftest(reward, own, kind or (), scorer)
    if not (result.findings or result.unread or result.failed):
        raise DataError(f"{config}: no question fits this reward; give your own with --questions")
    if as_json:
        echo(json.dumps(reward_selftest.as_json(reward, result), ensure_ascii=False))
    else:
        reward_selftest.print_table(reward, result)
    if not result.passed:
        raise typer.Exit(1)
