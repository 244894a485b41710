"""``psyche-rl status``: what a run folder's manifest says, as a table or as JSON.

Reads the manifest and the saved config only, so it answers while a run is busy. Imports what it needs when
it runs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from launch.cli.arguments import AsJson, RunFolder

if TYPE_CHECKING:
    from rich.table import Table

    from psyche_rl.store import RunStore

# A killed process cannot write that it was killed, so "running" may mean either.
SPOKEN = {"running": "running or cut off"}


def status(run_dir: RunFolder, as_json: AsJson = False) -> None:
    """Stages, counts and times of a run folder."""
    print_status(run_dir, as_json)


def run_status(run_dir: str) -> dict[str, Any]:
    """The run folder, its creation, and every stage in order; stages not begun are "pending".

    Raises:
        RunFolderError: there is no run there.
    """
    from psyche_rl.errors import RunFolderError
    from psyche_rl.stages import STAGES
    from psyche_rl.store import Manifest, RunStore
    from psyche_rl.store.manifest import MANIFEST

    store = RunStore(run_dir)
    if not store.exists(MANIFEST):
        raise RunFolderError(f"{run_dir}: no run here ({MANIFEST} is missing); check the path")
    manifest = Manifest.load(store)
    stages = {}
    for name in STAGES:
        entry = manifest.stages.get(name)
        if entry is not None:
            stages[name] = entry.model_dump(exclude={"settings", "settings_hash", "inputs"})
            stages[name]["steps"] = entry.steps
        elif not STAGES[name].only_with or _has_section(store, STAGES[name].only_with):
            stages[name] = {"status": "pending", "seconds": 0.0, "attempts": 0, "counts": {}}
    return {
        "run_dir": store.url,
        "created": manifest.created,
        "code_version": manifest.code_version,
        "stages": stages,
    }


def print_status(run_dir: str, as_json: bool) -> None:
    """Print the status of a run folder.

    Raises:
        RunFolderError: there is no run there.
    """
    found = run_status(run_dir)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    from rich.console import Console

    console = Console()
    console.print(_stage_table(found))
    if steps := _steps(found):
        console.print(_step_table(steps))


def _stage_table(status: dict[str, Any]) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(status["run_dir"]), box=box.SIMPLE_HEAD, title_justify="left")
    for column, justify in (
        ("stage", "left"),
        ("status", "left"),
        ("seconds", "right"),
        ("attempts", "right"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    table.add_column("counts", overflow="fold")
    for name, stage in status["stages"].items():
        seconds = f"{stage['seconds']:.1f}" if stage["attempts"] else ""
        figures = {k: v for k, v in stage["counts"].items() if "." not in k}
        said = escape(stage.get("error") or ", ".join(f"{k} {v:,}" for k, v in figures.items()))
        spoken = SPOKEN.get(stage["status"], stage["status"])
        table.add_row(name, spoken, seconds, str(stage["attempts"] or ""), said)
    return table


def _steps(status: dict[str, Any]) -> list[tuple[str, str, dict[str, int]]]:
    """(stage, step, counts of rows) of stages that keep books on rows."""
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


def _has_section(store: RunStore, section: str) -> bool:
    if not store.exists("config.yaml"):
        return False
    import yaml

    config = yaml.safe_load(store.read_bytes("config.yaml")) or {}
    return config.get(section) is not None
