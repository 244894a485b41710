"""What ``psyche-rl calls`` prints: sums by stage and model, the last calls, one call whole.

Collaborators: ``psyche_rl.llm.run_calls`` opens the log of a run folder, ``call_log`` reads it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from psyche_rl.errors import DataError
from psyche_rl.llm.call_log import LoggedCall, WholeCall
from psyche_rl.llm.run_calls import RunCalls
from psyche_rl.llm.usage import Usage
from psyche_rl.terminal.plain import echo


def shown(run: RunCalls, call_id: int, as_json: bool) -> str:
    """One call with all that was sent and came back.

    Raises:
        DataError: there is no such call.
    """
    whole = run.log.whole(call_id)
    if whole is None:
        raise DataError(f"{run.run_dir}: no call {call_id}; see psyche-rl calls {run.run_dir}")
    if as_json:
        return json.dumps(
            _row(whole.call) | {"request": whole.request, "reply": whole.reply}, ensure_ascii=False
        )
    return _told(whole)


def print_calls(run: RunCalls, stage: str | None, status: str | None, limit: int, as_json: bool) -> None:
    """Print sums and the last calls.

    Raises:
        DataError: the run has no calls of that stage or status.
    """
    usage, statuses = run.log.usage(run.teacher.prices, stage), run.log.statuses(stage)
    if stage is not None and not usage:
        known = ", ".join(sorted({row.stage for row in run.log.usage({})}))
        raise DataError(f"{run.run_dir}: no calls of stage '{stage}'; there are: {known or 'none'}")
    if status not in (None, "ok", "error") and status not in statuses:
        raise DataError(f"{run.run_dir}: no calls of status '{status}'; there are: {', '.join(statuses)}")
    found = run.log.calls(stage, status, limit)
    if as_json:
        told: dict[str, Any] = {
            "run_dir": run.run_dir,
            "currency": run.teacher.currency,
            "statuses": statuses,
        }
        told |= {"usage": [dataclasses.asdict(u) for u in usage], "calls": [_row(c) for c in found]}
        echo(json.dumps(told, ensure_ascii=False))
        return
    from psyche_rl.terminal.console import PlainConsole

    console = PlainConsole()
    console.print(usage_table(run.run_dir, usage, run.teacher.currency))
    if found:
        console.print(_listed(found))
    others = {name: count for name, count in statuses.items() if name != "ok"}
    if others and status is None:
        console.print("not ok: " + ", ".join(f"{name} {count:,}" for name, count in others.items()))


def _row(call: LoggedCall) -> dict[str, Any]:
    return dataclasses.asdict(call) | {"time": _moment(call)}


def _moment(call: LoggedCall) -> str:
    return datetime.fromtimestamp(call.time, UTC).isoformat(timespec="seconds")


def _told(whole: WholeCall) -> str:
    call = whole.call
    lines = [
        f"call {call.id}  {call.stage}  {call.status}  {_moment(call)}",
        f"{call.model} at {call.endpoint or 'this cluster'}, {call.attempts} attempts, {call.seconds:.2f} s, "
        f"{call.prompt_tokens} + {call.completion_tokens} tokens",
    ]
    settings = {name: value for name, value in whole.request.items() if name != "messages"}
    lines.append(json.dumps(settings, ensure_ascii=False))
    for message in whole.request["messages"]:
        lines += ["", f"--- {message['role']}", message["content"]]
    lines += ["", "--- reply" if whole.reply is not None else f"--- no reply: {call.message}"]
    return "\n".join([*lines, whole.reply] if whole.reply is not None else lines)


def usage_table(
    title: str, usage: Sequence[Usage], currency: str, counts: Sequence[str] = ("answered", "failed")
) -> Any:
    """A rich table of usage by stage and model, with the sum as its last row; ``counts`` are the names of
    the first columns, that of failed calls may be left out."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("stage", no_wrap=True)
    table.add_column("model", overflow="fold")
    for name in (*counts, "prompt tokens", "reply tokens", f"cost, {currency}"):
        table.add_column(name, justify="right")
    total = Usage("all", "", 0, 0, 0, 0, 0.0)
    for row in usage:
        table.add_row(row.stage, row.model, *_figures(row, len(counts)))
        total += row
    table.add_row("all", "", *_figures(total, len(counts)))
    return table


def _figures(row: Usage, n_counts: int) -> list[str]:
    counts = (*(row.calls, row.failed)[:n_counts], row.prompt_tokens, row.completion_tokens)
    return [f"{count:,}" for count in counts] + [f"{row.cost:.4f}"]


def _listed(found: list[LoggedCall]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for name in ("id", "stage", "status", "attempts", "seconds", "tokens"):
        table.add_column(name, justify="left" if name in ("stage", "status") else "right")
    table.add_column("message", overflow="fold")
    for call in found:
        tokens = f"{call.prompt_tokens}+{call.completion_tokens}"
        table.add_row(
            str(call.id), call.stage, call.status, str(call.attempts), f"{call.seconds:.2f}", tokens,
            call.message,
        )  # fmt: skip
    return table
