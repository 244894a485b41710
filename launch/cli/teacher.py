"""``psyche-rl teacher``: the mini world's scripted teacher as a server of its own, with faults to order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from psyche_rl.mini.teacher.faults import Fault


def teacher(
    port: Annotated[int, typer.Option(help="0 takes a free one")] = 8001,
    host: Annotated[str, typer.Option(help="other than loopback needs a token")] = "127.0.0.1",
    latency_ms: Annotated[float, typer.Option(help="time before every reply", min=0.0)] = 0.0,
    faults: Annotated[
        float, typer.Option(help="share of calls that are met with a fault", min=0.0, max=1.0)
    ] = 0.0,
    fault_kinds: Annotated[
        str, typer.Option(help="comma-separated kinds of fault; all of them if not given", metavar="A,B…")
    ] = "",
    hang_s: Annotated[float, typer.Option(help="how long the fault 'hang' says nothing", min=0.0)] = 150.0,
    retry_after_s: Annotated[
        float, typer.Option(help="what the fault 'rate_limited' asks for", min=0.0)
    ] = 1.0,
    malformed: Annotated[
        float,
        typer.Option(help="share of question replies that are not the JSON asked for", min=0.0, max=1.0),
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="decides every reply, flaw and fault")] = 0,
    log: Annotated[
        str | None, typer.Option(help="append a JSON line for each request and each reply", metavar="FILE")
    ] = None,
) -> None:
    """Serve the scripted teacher (OpenAI-compatible); callers send PSYCHE_RL_TEACHER_TOKEN, if it is set."""
    from psyche_rl.mini.teacher import TeacherFlaws
    from psyche_rl.mini.teacher.faults import FaultPlan
    from psyche_rl.mini.teacher.serving import TOKEN_VARIABLE, Serving, serve
    from psyche_rl.serving import Address

    plan = FaultPlan(faults, _kinds(fault_kinds), retry_after_s, hang_s)
    serving = Serving(Address.of(host, port, TOKEN_VARIABLE), log)
    serve(TeacherFlaws(latency_ms=latency_ms, malformed=malformed), seed, plan, serving)


def _kinds(names: str) -> tuple[Fault, ...]:
    """The kinds of fault in a comma-separated list, all for an empty one.

    Raises:
        ConfigError: a name is none of them.
    """
    from psyche_rl.errors import ConfigError
    from psyche_rl.mini.teacher.faults import ALL_FAULTS

    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = next((name for name in wanted if name not in ALL_FAULTS), None)
    if unknown is not None:
        raise ConfigError(f"--fault-kinds: there is no '{unknown}'; choose from {', '.join(ALL_FAULTS)}")
    return tuple(kind for kind in ALL_FAULTS if kind in wanted) or ALL_FAULTS
