"""``psyche-rl chat MODEL``: a first look at a model, in the terminal. Imports what it needs when it runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from psyche_rl.terminal.plain import echo

if TYPE_CHECKING:
    from psyche_rl.chat_session import ChatSession
    from psyche_rl.rollout.engine import RolloutEngine

NOTICE = (
    "This is a language model, no therapist. Who is in danger, or thinks of suicide, should call an "
    "emergency number or a crisis line (China 12356, USA and Canada 988, Europe 112)."
)
HELP = "An empty line ends; /new begins anew; /think shows the last think block."


def chat(
    model: Annotated[str, typer.Argument(help="a model's folder, e.g. RUN/grpo/model", metavar="MODEL")],
    system: Annotated[str | None, typer.Option(help="text of a system turn")] = None,
    max_tokens: Annotated[int, typer.Option(help="of a reply", min=1)] = 1024,
    temperature: Annotated[float, typer.Option(help="0 is greedy", min=0.0, max=2.0)] = 0.7,
    context: Annotated[int, typer.Option(help="tokens of the whole conversation", min=16)] = 4096,
    seed: Annotated[int, typer.Option(help="the same seed gives the same replies")] = 0,
) -> None:
    """Talk to a model; its think block is folded to a line."""
    from psyche_rl.chat_session import ChatSession

    session = ChatSession.of_model(model, max_tokens, context, system)
    echo(f"loading {model} …", err=True)
    engine = _engine(model, session.room)
    echo(f"{NOTICE}\n{HELP}")
    while said := _line():
        if said == "/new":
            session.begin()
        elif said == "/think":
            echo(session.draft or "no think block")
        else:
            echo(_reply(session, engine, said, temperature, seed))


def _engine(model: str, room: int) -> RolloutEngine:
    from actors.engines.vllm_engine import VllmEngine
    from psyche_rl.config.engine import EngineConfig

    return VllmEngine(model, EngineConfig(max_model_len=room, max_num_seqs=1, enforce_eager=True))


def _reply(session: ChatSession, engine: RolloutEngine, said: str, temperature: float, seed: int) -> str:
    """The reply as it is shown: a line for the draft, the answer, a remark where it was cut."""
    request = session.ask(said, temperature, seed)
    if isinstance(request, str):
        return request
    [[sample]] = engine.generate([request])
    answer = session.hear(sample)
    draft = f"[thought: {len(session.draft):,} characters; /think shows them]\n" if session.draft else ""
    cut = f"\n[cut off after {len(sample.response_ids)} tokens]" if sample.finish_reason == "length" else ""
    return f"{draft}{answer}{cut}"


def _line() -> str:
    """What was typed; empty at the end of the input."""
    sys.stdout.write("you> ")
    sys.stdout.flush()
    return sys.stdin.readline().strip()
