"""``psyche-rl watch RUN``: the stage at work, live, from the run folder alone.

On a terminal the picture is drawn again and again; elsewhere each new step is a line. Takes no lock. Imports
what it needs when it runs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from launch.cli.arguments import RunFolder
from psyche_rl.terminal.plain import echo

if TYPE_CHECKING:
    from rich.table import Table

    from psyche_rl.store import RunStore
    from psyche_rl.watch.picture import Picture


def watch(
    run_dir: RunFolder,
    once: Annotated[bool, typer.Option("--once", help="one picture, then end")] = False,
    every: Annotated[float, typer.Option(help="seconds between two looks", min=0.1)] = 2.0,
) -> None:
    """The stage at work: step, reward, KL, staleness, workers, speed, time left, alarms; until it ends."""
    from psyche_rl.store import RunStore
    from psyche_rl.watch.picture import look
    from psyche_rl.watch.told import rows

    store = RunStore(run_dir)
    first = look(store, time.time())
    if once or not first.works:
        for label, text in rows(first, time.time()):
            echo(f"{label:8} {text}")
        return
    show = draw if sys.stdout.isatty() else follow
    show(store, first, lambda: time.sleep(every))


def follow(store: RunStore, first: Picture, pause: Callable[[], None]) -> None:
    """A line for each new step, and for what is said before the first, until the stage ends."""
    from psyche_rl.watch.picture import look
    from psyche_rl.watch.told import line, status

    picture, told = first, None
    while True:
        seen = (picture.step, picture.alarms, picture.event if picture.step is None else None)
        if seen != told:
            echo(line(picture, time.time()))
            told = seen
        if not picture.works:
            echo(f"{picture.stage}: {status(picture)}")
            return
        pause()
        picture = look(store, time.time(), first.stage)


def draw(store: RunStore, first: Picture, pause: Callable[[], None]) -> None:
    """The picture on a terminal, anew after each pause, until the stage ends; the last one stays."""
    from rich.live import Live

    from psyche_rl.terminal.console import PlainConsole
    from psyche_rl.watch.picture import look

    with Live(_table(first), console=PlainConsole(), refresh_per_second=4) as live:
        picture = first
        while picture.works:
            pause()
            picture = look(store, time.time(), first.stage)
            live.update(_table(picture))


def _table(picture: Picture) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from psyche_rl.watch.told import rows

    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for label, text in rows(picture, time.time()):
        table.add_row(label, Text(text, style="bold red" if label == "alarm" else ""))
    return table
