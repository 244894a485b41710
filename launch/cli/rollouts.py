"""``psyche-rl rollouts``: training rollouts in inspect's viewer. Imports what it needs when it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from launch.cli.arguments import RunFolder
from psyche_rl.terminal.plain import echo


def rollouts(
    run: RunFolder,
    out: Annotated[str, typer.Option(help="folder for the viewer, or an earlier one to replace")],
    steps: Annotated[str | None, typer.Option(help="one step or a range", metavar="N or FIRST-LAST")] = None,
) -> None:
    """Write a static folder in which each step's groups, replies, rewards and advantages can be read."""
    from psyche_rl.errors import ConfigError
    from psyche_rl.inspect_logs.bundle import bundle
    from psyche_rl.inspect_logs.rollout_logs import write_rollout_logs

    wanted: range | None = None
    if steps is not None:
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", steps.strip())
        if not found:
            raise ConfigError(f"--steps {steps}: write a step, such as 12, or a range, such as 1-20")
        wanted = range(int(found[1]), int(found[2] or found[1]) + 1)
    logs = bundle(Path(out).expanduser(), lambda folder: write_rollout_logs(run, folder, wanted))
    echo(f"{out}: {logs} steps; python -m http.server -d {out} 8000")
