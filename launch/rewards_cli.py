"""``psyche-rl rewards …``: the rewards by themselves. Each command imports what it needs when it runs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(help="Rewards: read answers, score, serve.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def extract(
    file: Annotated[str, typer.Argument(help='rows {"text", "options"}; - for stdin', metavar="FILE.jsonl")],
) -> None:
    """Print letters, span and rule for each row; exit 1 if rows were bad, 2 if the file cannot be read."""
    from launch.rewards_extract import BadRow, extracted, opened
    from psyche_rl.errors import DataError

    bad = 0
    try:
        with opened(file) as lines:
            for number, result in extracted(lines):
                if isinstance(result, BadRow):
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
