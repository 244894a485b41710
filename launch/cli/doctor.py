"""``psyche-rl doctor``: is this machine fit for a run? Imports what it needs when it runs."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(smoke: Annotated[bool, typer.Option(help="start each engine for a few seconds")] = True) -> None:
    """Check Python, libraries, devices, memory and engines; the exit code tells."""
    from launch.checks.doctor import run_doctor

    raise typer.Exit(run_doctor(smoke))
