"""``psyche-rl publish``: a finished run as a dataset folder. Imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from launch.cli.arguments import RunFolder
from psyche_rl.terminal.plain import echo

FORMATS = ("hf", "llamafactory", "trl")


def publish(
    run: RunFolder,
    out: Annotated[str, typer.Option(help="new folder for the dataset")],
    form: Annotated[
        list[str] | None, typer.Option("--format", help=f"beside the parquet files: {', '.join(FORMATS[1:])}")
    ] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option(help="of a source, a folder of sources, or *; repeatable", metavar="SOURCE=SPDX"),
    ] = None,
    allow_unknown_licence: Annotated[
        bool, typer.Option("--allow-unknown-licence", help="publish records whose licence is not known")
    ] = False,
) -> None:
    """Write the sets of a run that finished select, with a dataset card."""
    _publish(run, Path(out).expanduser(), form or ["hf"], licence or [], allow_unknown_licence)


def _publish(run: str, out: Path, forms: list[str], licences: list[str], allow_unknown: bool) -> None:
    from data_pipeline.publish.licences import doubts
    from data_pipeline.publish.publish_run import publish as write
    from psyche_rl.errors import ConfigError

    for form in forms:
        if form not in FORMATS:
            raise ConfigError(f"--format {form}: no such format; formats are {', '.join(FORMATS)}")
    given = dict[str, str]()
    for pair in licences:
        source, _, name = pair.rpartition("=")
        if not source or not name:
            raise ConfigError(f"--licence {pair}: write it as SOURCE=SPDX, such as texts=CC-BY-4.0")
        given[source] = name
    written = write(run, out, forms, given, allow_unknown)
    for doubt in doubts(written["licences"]):
        echo(f"warning: {doubt}", err=True)
    if not written["contamination_checked"]:
        echo("warning: the run has no contamination report; the card says 'not checked'", err=True)
    counts = ", ".join(f"{name} {rows}" for name, rows in written["sets"].items())
    echo(f"{out}: {counts}; licences: {', '.join(written['licences'])}")
