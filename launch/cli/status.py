"""``psyche-rl status``: what a run folder's manifest says, as a table or as JSON.

Reads the manifest, the lock, the saved config, the sizes of outputs and, of a stage at work, its newest step;
takes no lock, so it answers while a run is busy. Imports what it needs when it runs.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from launch.cli.arguments import AsJson, RunFolder
from psyche_rl.terminal.plain import echo

if TYPE_CHECKING:
    from rich.table import Table

Verify = Annotated[bool, typer.Option("--verify", help="read every byte of the outputs, and compare digests")]


def status(run_dir: RunFolder, as_json: AsJson = False, verify: Verify = False) -> None:
    """Stages, counts and times of a run folder, and what of its outputs is damaged."""
    print_status(run_dir, as_json, verify)


def run_status(run_dir: str, verify: bool = False) -> dict[str, Any]:
    """The run folder, its creation, and every stage in order; stages not begun are "pending".

    A stage whose outputs are not as they were written is "damaged", with what is wrong; ``verify`` reads
    every byte for it.

    Raises:
        RunFolderError: there is no run there.
    """
    from psyche_rl.stages import STAGES
    from psyche_rl.stages.membership import in_saved_run
    from psyche_rl.store import Manifest, RunStore
    from psyche_rl.store.lock import holder_of
    from psyche_rl.store.lock_holder import state
    from psyche_rl.store.manifest import require_run
    from psyche_rl.store.outputs import damaged
    from psyche_rl.store.saved_config import saved_config
    from psyche_rl.tracking.delivery_note import read_notes
    from psyche_rl.watch.picture import look
    from psyche_rl.watch.told import STATUS, rows

    store = RunStore(run_dir)
    require_run(store, run_dir)
    manifest = Manifest.load(store)
    holder = holder_of(store)
    now = time.time()
    holds = "dead" if holder is None else state(holder, now)
    saved, stages = saved_config(store), {}
    for name in STAGES:
        entry = manifest.stages.get(name)
        if entry is not None:
            stages[name] = entry.model_dump(exclude={"settings", "settings_hash", "inputs"})
            stages[name]["steps"] = entry.steps
            if entry.status == "running":
                stages[name]["status"] = STATUS[holds]
                if holds != "dead":
                    told = dict(rows(look(store, now, name), now))
                    stages[name]["now"] = "; ".join(told[k] for k in ("step", "newest") if k in told)
            bad = damaged(store, entry.outputs, verify) if entry.status == "done" else []
            if bad:
                stages[name] |= {"status": "damaged", "damage": [str(d) for d in bad]}
        elif in_saved_run(name, saved):
            stages[name] = {"status": "pending", "seconds": 0.0, "attempts": 0, "counts": {}}
    return {
        "run_dir": store.url,
        "created": manifest.created,
        "code_version": manifest.code_version,
        "held_by": str(holder) if holder is not None and holds != "dead" else None,
        "trackers": {name: note.model_dump() for name, note in read_notes(store).items()},
        "mend": next((f"--from {name}" for name in stages if stages[name]["status"] == "damaged"), None),
        "stages": stages,
    }


def print_status(run_dir: str, as_json: bool, verify: bool = False) -> None:
    """Print the status of a run folder.

    Raises:
        RunFolderError: there is no run there.
    """
    status = run_status(run_dir, verify)
    if as_json:
        echo(json.dumps(status, ensure_ascii=False, indent=1))
        return
    from psyche_rl.terminal.console import PlainConsole

    console = PlainConsole()
    console.print(_stage_table(status))
    if steps := _steps(status):
        console.print(_step_table(steps))
    for name, note in status["trackers"].items():
        if note["not_delivered"]:
            echo(f"{name}: {note['not_delivered']:,} messages not delivered: {note['why']}")
    if status["mend"]:
        echo(f"damaged outputs are made anew by psyche-rl run CONFIG {status['mend']}")


def _stage_table(status: dict[str, Any]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=status["run_dir"], box=box.SIMPLE_HEAD, title_justify="left")
    for column, justify in (
        ("stage", "left"),
        ("status", "left"),
        ("seconds", "right"),
        ("attempts", "right"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    table.add_column("counts", overflow="fold")
    for name, stage in status["stages"].items():
        ended = stage["attempts"] and "now" not in stage
        seconds = f"{stage['seconds']:.1f}" if ended else ""
        figures = {k: v for k, v in stage["counts"].items() if "." not in k}
        told = "; ".join(stage.get("damage", ())) or stage.get("error") or stage.get("now")
        said = told or ", ".join(f"{k} {v:,}" for k, v in figures.items())
        table.add_row(name, stage["status"], seconds, str(stage["attempts"] or ""), said)
    return table


def _steps(status: dict[str, Any]) -> list[tuple[str, str, dict[str, int]]]:
    """(stage, step, counts of rows) of stages that account for rows."""
    return [
        (name, step, rows)
        for name, stage in status["stages"].items()
        for step, rows in stage.get("steps", {}).items()
    ]


def _step_table(steps: list[tuple[str, str, dict[str, int]]]) -> Table:
    """How every row ended."""
    from rich import box
    from rich.table import Table

    from psyche_rl.store.manifest import ROW_COUNTS

    table = Table(title="rows by step", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("stage")
    table.add_column("step")
    for column in ROW_COUNTS:
        table.add_column(column, justify="right")
    for stage, step, rows in steps:
        table.add_row(stage, step, *(f"{rows[name]:,}" for name in ROW_COUNTS))
    return table
