"""``psyche-rl rewards serve CONFIG``: a reward set over HTTP. Imports what it needs when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from launch.cli.rewards.options import MaxWorkers, MemoryMib, RewardSet, TimeoutS, Workers
from psyche_rl.scoring_limits import MEMORY_MIB, TIMEOUT_S


def serve(
    config: RewardSet,
    host: Annotated[str, typer.Option(help="other than loopback needs a token")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 for any that is free")] = 8010,
    workers: Workers = 2,
    max_workers: MaxWorkers = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    memory_mib: MemoryMib = MEMORY_MIB,
    request_s: Annotated[float, typer.Option(help="deadline of a request, in seconds")] = 300.0,
    max_body_mib: Annotated[int, typer.Option(help="largest request")] = 16,
    full: Annotated[float, typer.Option(help="the reward that OpenRLHF is told is a score of 1")] = 1.0,
) -> None:
    """Serve a reward set over HTTP; callers send the token in PSYCHE_RL_REWARD_TOKEN, if it is set."""
    from actors.scoring.scaling import ScalingPolicy
    from launch.servers import rewards as reward_server
    from launch.stages.training_reward import reward_set
    from psyche_rl.serving import Address

    settings = reward_server.ServerSettings(
        address=Address.of(host, port, reward_server.TOKEN_VARIABLE),
        max_body=max_body_mib << 20,
        request_s=request_s,
        full=full,
    )
    policy = ScalingPolicy(workers, max(workers, max_workers or 4 * workers))
    reward_server.serve(reward_set(config), settings, policy, timeout_s, memory_mib or None)
