"""The benchmarks that a command is given, with their data, worded once."""

from __future__ import annotations

from typing import Annotated

import typer

Benchmarks = Annotated[
    list[str], typer.Option(help="name, or path of a description; repeatable", metavar="NAME")
]
DataFolders = Annotated[
    list[str] | None, typer.Option(help="file or folder; of one benchmark of several as NAME=PATH")
]
