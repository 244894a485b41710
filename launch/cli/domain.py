"""``psyche-rl domain``: a folder of prompts and wordings of one's own, and whether it fits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from psyche_rl.terminal.plain import echo

app = typer.Typer(
    help="What is particular to a domain: prompts, issue codes, wordings.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="where it is to be; new or empty", metavar="DIR")],
    like: Annotated[str, typer.Option(help="the domain to copy: a built-in name or a folder")] = "psychology",
) -> None:
    """Copy a domain to a folder of one's own, with a README of what each file is."""
    from data_pipeline.domains.new_domain import new_domain

    new_domain(folder, like)
    echo(f"{folder}: a copy of '{like}'; read {folder / 'README.md'}, then run with domain={folder}")


@app.command()
def check(
    domain: Annotated[str, typer.Argument(help="a built-in name or a folder", metavar="DOMAIN")],
) -> None:
    """See that nothing is missing or wrong in a domain; the version is that of all that counts."""
    from data_pipeline.domains import load_domain

    found = load_domain(domain)
    prompts, issues = len(found.prompts), len(found.words.issues)
    told = f"{prompts} prompts, {issues} issue codes, cues {found.words.cues}, version {found.digest[:12]}"
    echo(f"ok: {found.name}: {told}")
