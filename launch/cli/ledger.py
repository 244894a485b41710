"""``psyche-rl ledger RUN``: the books of a training run as a table, verified from the files alone.

Reads the entries and the manifest; takes no lock, so it answers while a run is busy. Imports what it needs
when it runs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from launch.cli.arguments import AsJson, RunFolder
from psyche_rl.terminal.plain import echo

if TYPE_CHECKING:
    from rich.table import Table

    from psyche_rl.ledger.balance import Amount, Balance

STAGE = "grpo"
TOLD = 20
"""Findings that the table shows; --json has all that were kept."""


def ledger(run_dir: RunFolder, as_json: AsJson = False) -> None:
    """What was issued to the rollout workers and what became of it; exit code 1 if the books do not close."""
    balance = run_balance(run_dir)
    if as_json:
        echo(json.dumps(as_tree(run_dir, balance), ensure_ascii=False, indent=1))
    else:
        print_balance(run_dir, balance)
    if not balance.closes:
        raise typer.Exit(1)


def run_balance(run_dir: str) -> Balance:
    """The balance of a run folder, from the entries alone.

    Raises:
        RunFolderError: there is no ledger there.
        LedgerError: it cannot be read.
    """
    from psyche_rl.errors import RunFolderError
    from psyche_rl.ledger.book import LedgerBook
    from psyche_rl.ledger.ledger_files import LedgerFiles
    from psyche_rl.store import Manifest, RunStore

    store = RunStore(run_dir)
    files, book = LedgerFiles(store, STAGE), LedgerBook()
    if not files.parts():
        raise RunFolderError(
            f"{run_dir}: no ledger here ({STAGE}/ledger is missing or empty); check the path"
        )
    for entry in files.read():
        book.add(entry)
    return book.balance(done=Manifest.load(store).is_done(STAGE))


def as_tree(run_dir: str, balance: Balance) -> dict[str, Any]:
    """The balance for programs."""
    return {
        "run_dir": run_dir,
        "closes": balance.closes,
        "lines": {name: vars(balance.line(name)) for name in balance.lines},
        "lost": vars(balance.lost),
        "steps_rolled_back": balance.steps_rolled_back,
        "incarnations": balance.incarnations,
        "workers": {name: vars(amount) for name, amount in balance.workers.items()},
        "findings": list(balance.findings),
    }


def print_balance(run_dir: str, balance: Balance) -> None:
    """The balance for eyes."""
    from psyche_rl.terminal.console import PlainConsole

    console = PlainConsole()
    console.print(_table(run_dir, balance))
    console.print(_worker_table(balance))
    steps, starts = balance.steps_rolled_back, balance.incarnations
    echo(f"{starts} start{'s' * (starts != 1)} of the stage, {steps} step{'s' * (steps != 1)} rolled back")
    echo("the books close" if balance.closes else "the books do not close:")
    for finding in balance.findings[:TOLD]:
        echo(f"- {finding}")
    if more := len(balance.findings[TOLD:]):
        echo(f"- and {more} more (--json tells all)")


def _table(run_dir: str, balance: Balance) -> Table:
    from rich import box
    from rich.table import Table

    from psyche_rl.ledger.balance import LEVELS, LINES

    table = Table(title=run_dir, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("line")
    for level in LEVELS:
        table.add_column(level, justify="right")
    for name in LINES:
        table.add_row(name if name == "issued" else f"  {name}", *_figures(balance.line(name)))
    table.add_row("gap", *_figures(balance.gap), end_section=True)
    table.add_row("lost with workers", *_figures(balance.lost))
    return table


def _worker_table(balance: Balance) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for name in ("worker", "samples", "tokens"):
        table.add_column(name, justify="left" if name == "worker" else "right")
    for worker, amount in sorted(balance.workers.items()):
        table.add_row(worker, f"{amount.samples:,}", f"{amount.tokens:,}")
    return table


def _figures(amount: Amount) -> list[str]:
    return [f"{amount.groups:,}", f"{amount.samples:,}", f"{amount.tokens:,}"]
