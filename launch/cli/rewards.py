"""``psyche-rl rewards …``: the rewards by themselves. Each command imports what it needs when it runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from rewards import RewardSample

T = TypeVar("T")

app = typer.Typer(help="Rewards: read answers, score, serve.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def extract(
    file: Annotated[str, typer.Argument(help='rows {"text", "options"}; - for stdin', metavar="FILE.jsonl")],
) -> None:
    """Print letters, span and rule for each row; exit 1 if rows were bad, 2 if the file cannot be read."""
    from launch.cli.rewards_extract import NotAReply, extracted, opened
    from psyche_rl.errors import DataError

    bad = 0
    try:
        with opened(file) as lines:
            for number, result in extracted(lines):
                if isinstance(result, NotAReply):
                    bad += 1
                    typer.echo(f"{file}: row {number}: {result}", err=True)
                else:
                    # A lone surrogate of the input goes out as the JSON escape it came in as.
                    line = json.dumps(result, ensure_ascii=False)
                    typer.echo(line.encode("utf-8", "backslashreplace"))
    except DataError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    if bad:
        typer.echo(f"{file}: {bad} bad row{'s' if bad > 1 else ''} skipped", err=True)
        raise typer.Exit(1)


RewardSet = Annotated[str, typer.Argument(help="reward set, a YAML file", metavar="CONFIG")]
Workers = Annotated[int, typer.Option(help="scoring processes", min=1)]
MaxWorkers = Annotated[int | None, typer.Option(help="at most, where scorers hang; default: 4 x workers")]
TimeoutS = Annotated[float, typer.Option(help="deadline of each sample, in seconds")]
MemoryMib = Annotated[int, typer.Option(help="address space of a scoring process; 0 for no limit")]


@app.command()
def up(
    config: RewardSet,
    name: Annotated[str | None, typer.Option(help="default: the reward set's name")] = None,
    workers: Workers = 2,
    max_workers: MaxWorkers = None,
    timeout_s: TimeoutS = 10.0,
    memory_mib: MemoryMib = 4096,
    cpus: Annotated[float, typer.Option(help="CPUs to reserve in the cluster")] = 0.0,
) -> None:
    """Start a reward pool in the Ray cluster that any job can use (grpo.reward.pool)."""

    def work() -> None:
        from launch.cli.app import reward_pools

        limits = {"timeout_s": timeout_s, "memory_mib": memory_mib or None, "num_cpus": cpus}
        typer.echo(reward_pools.up(config, name, workers=workers, max_workers=max_workers, **limits))

    _guarded(work)


@app.command()
def status() -> None:
    """One line for each reward pool of the Ray cluster."""

    def work() -> None:
        from launch.cli.app import reward_pools

        lines = reward_pools.statuses()
        typer.echo("\n".join(lines) if lines else "no reward pool in this cluster")

    _guarded(work)


@app.command()
def down(name: Annotated[str, typer.Argument(help="the pool's name", metavar="NAME")]) -> None:
    """End a reward pool for all jobs."""

    def work() -> None:
        from launch.cli.app import reward_pools

        reward_pools.down(name)
        typer.echo(f"{name}: ended")

    _guarded(work)


@app.command()
def serve(
    config: RewardSet,
    host: Annotated[str, typer.Option(help="other than loopback needs a token")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 for any that is free")] = 8010,
    workers: Workers = 2,
    max_workers: MaxWorkers = None,
    timeout_s: TimeoutS = 10.0,
    memory_mib: MemoryMib = 4096,
    request_s: Annotated[float, typer.Option(help="deadline of a request, in seconds")] = 300.0,
    max_body_mib: Annotated[int, typer.Option(help="largest request")] = 16,
    full: Annotated[float, typer.Option(help="the reward that OpenRLHF is told is a score of 1")] = 1.0,
) -> None:
    """Serve a reward set over HTTP; callers send the token in PSYCHE_RL_REWARD_TOKEN, if it is set."""

    def work() -> None:
        from actors.scoring.scaling import ScalingPolicy
        from launch.servers import rewards as reward_server
        from launch.stages.training_reward import reward_set

        settings = reward_server.ServerSettings(
            host=host,
            port=port,
            token=reward_server.token_from_environment(),
            max_body=max_body_mib << 20,
            request_s=request_s,
            full=full,
        )
        policy = ScalingPolicy(workers, max(workers, max_workers or 4 * workers))
        reward_server.serve(reward_set(config), settings, policy, timeout_s, memory_mib or None)

    _guarded(work)


AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


@app.command("test")
def self_test(
    config: RewardSet,
    questions: Annotated[
        str | None, typer.Option(help="your own: JSONL or parquet; a response is a gold reply")
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(help="only questions of this kind; repeatable")] = None,
    timeout_s: TimeoutS = 10.0,
    memory_mib: MemoryMib = 4096,
    as_json: AsJson = False,
) -> None:
    """Full marks for the gold and for nothing else? Exit 1 if a hack is found."""

    def work() -> bool:
        from actors.scoring.local import killable_scorer
        from launch.checks import reward_selftest as rewards_selftest
        from launch.stages.training_reward import reward_set
        from psyche_rl.errors import DataError
        from rewards.selftest import selftest

        reward = reward_set(config)
        own = [sample for _, sample in _samples(questions, response="")[0]] if questions else []
        with killable_scorer(reward, timeout_s, memory_mib=memory_mib or None) as scorer:
            result = selftest(reward, own, kind or (), scorer)
        if not (result.findings or result.unread or result.failed):
            raise DataError(f"{config}: no question fits this reward; give your own with --questions")
        if as_json:
            typer.echo(json.dumps(rewards_selftest.as_json(reward, result), ensure_ascii=False))
        else:
            rewards_selftest.print_table(reward, result)
        return result.passed

    if not _guarded(work):
        raise typer.Exit(1)


@app.command()
def score(
    config: RewardSet,
    file: Annotated[str, typer.Argument(help="samples, or a run's rollouts", metavar="FILE.jsonl|parquet")],
    timeout_s: TimeoutS = 10.0,
    memory_mib: MemoryMib = 4096,
    as_json: AsJson = False,
    out: Annotated[str | None, typer.Option(help="write each row's score to this parquet file")] = None,
) -> None:
    """Score a file: means, parts, errors and the most suspicious replies; exit 1 if rows were bad."""

    def work() -> int:
        from actors.scoring.local import killable_scorer
        from launch.cli.app import rewards_score
        from launch.stages.training_reward import reward_set
        from psyche_rl.errors import DataError

        reward = reward_set(config)
        rows, bad = _samples(file)
        with killable_scorer(reward, timeout_s, memory_mib=memory_mib or None) as scorer:
            found = rewards_score.scored(scorer, rows)
        if out:
            try:
                rewards_score.write_scores(found, out)
            except OSError as error:
                raise DataError(f"{out}: cannot be written ({error})") from None
        told = rewards_score.summary(reward, found, bad)
        if as_json:
            typer.echo(json.dumps(told, ensure_ascii=False))
        else:
            rewards_score.print_tables(told)
        return bad

    if _guarded(work):
        raise typer.Exit(1)


def _samples(file: str, **defaults: str) -> tuple[list[tuple[int, RewardSample]], int]:
    """The samples of a file with their rows, and the number of bad rows; each of those is told on stderr."""
    from launch.cli.reward_rows import BadRow, samples_of

    rows, bad = list[tuple[int, "RewardSample"]](), 0
    for number, sample in samples_of(file, **defaults):
        if isinstance(sample, BadRow):
            bad += 1
            typer.echo(f"{file}: row {number}: {sample}", err=True)
        else:
            rows.append((number, sample))
    if bad:
        typer.echo(f"{file}: {bad} bad row{'s' if bad > 1 else ''} skipped", err=True)
    return rows, bad


def _guarded(work: Callable[[], T]) -> T:
    from psyche_rl.errors import PsycheError

    try:
        return work()
    except PsycheError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
