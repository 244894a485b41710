"""Arguments and options that several commands take, each worded once."""

from __future__ import annotations

from typing import Annotated

import typer

ConfigPath = Annotated[
    str, typer.Argument(help="YAML config, e.g. launch/configs/mini.yaml", metavar="CONFIG")
]
Overrides = Annotated[list[str] | None, typer.Argument(help="dotted overrides", metavar="key.sub=value …")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="only estimate the calls to the teacher, their tokens and cost")
]
RunFolder = Annotated[str, typer.Argument(help="run folder: path or URL", metavar="RUN")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]
