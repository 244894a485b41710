"""Arguments and options that several commands take, each worded once."""

from __future__ import annotations

from typing import Annotated

import typer

ConfigPath = Annotated[
    str,
    typer.Argument(
        help="YAML config, e.g. launch/configs/mini.yaml, or a run folder for the config of its run",
        metavar="CONFIG",
    ),
]
Overrides = Annotated[list[str] | None, typer.Argument(help="dotted overrides", metavar="key.sub=value …")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="only estimate the calls to the teacher, their tokens and cost")
]
RunFolder = Annotated[str, typer.Argument(help="run folder: path or URL", metavar="RUN")]
StealLock = Annotated[
    bool, typer.Option("--steal-lock", help="take the run folder from the process that writes to it")
]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]
