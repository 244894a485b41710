"""``psyche-rl publish``: a finished run as a dataset folder; its data or its model to the hub.

Imports what it needs when it runs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from launch.cli.arguments import RunFolder
from psyche_rl.terminal.plain import echo

FORMATS = ("hf", "llamafactory", "trl")


def publish(
    run: RunFolder,
    out: Annotated[
        str | None, typer.Option(help="new folder for the dataset; with --push-to-hub it need not stay")
    ] = None,
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
    model: Annotated[bool, typer.Option("--model", help="the trained model in place of the data")] = False,
    push_to_hub: Annotated[
        str | None, typer.Option(help="tell what would go to this repository", metavar="OWNER/NAME")
    ] = None,
    upload: Annotated[bool, typer.Option("--upload", help="and send it there (token: HF_TOKEN)")] = False,
    public: Annotated[bool, typer.Option("--public", help="for everybody to read; else private")] = False,
) -> None:
    """Write the sets of a run that finished select, with a card; or send them, or its model, to the hub.

    Without --upload nothing is sent.
    """
    from psyche_rl.errors import ConfigError

    if upload and push_to_hub is None:
        raise ConfigError("--upload: say where to: --push-to-hub OWNER/NAME")
    if model:
        if push_to_hub is None or out or form or licence:
            raise ConfigError(
                "--model: give --push-to-hub OWNER/NAME, and none of --out, --format, --licence"
            )
        from data_pipeline.publish.published_model import published_model

        _push(push_to_hub, "model", published_model(run), public, upload)
        return
    if out is None and push_to_hub is None:
        raise ConfigError("say where to: --out DIR, or --push-to-hub OWNER/NAME")
    with tempfile.TemporaryDirectory(prefix="psyche-rl-") as scratch:
        folder = Path(scratch) / "data" if out is None else Path(out).expanduser()
        told = _publish(run, folder, form or ["hf"], licence or [], allow_unknown_licence)
        echo(f"{push_to_hub if out is None else out}: {told}")
        if push_to_hub is not None:
            _push(push_to_hub, "dataset", folder, public, upload)


def _push(repo: str, kind: Literal["dataset", "model"], folder: Path, public: bool, upload: bool) -> None:
    """Tell what would be uploaded; and do it."""
    from data_pipeline.publish.hub_upload import hub_upload, push

    planned = hub_upload(repo, kind, folder, public)
    for name, size in planned.files.items():
        echo(f"  {name}  {size:,} bytes")
    rights = "public" if public else "private"
    what = f"{len(planned.files)} files, {planned.size:,} bytes, to the {rights} {kind} {repo}"
    if not upload:
        echo(f"would upload {what}; nothing was sent, --upload sends it")
        return
    url = push(planned, f"{kind.capitalize()} of a psyche-rl run")
    echo(f"uploaded {what}: {url}")


def _publish(run: str, out: Path, forms: list[str], licences: list[str], allow_unknown: bool) -> str:
    """Write the data; returns what is told of them."""
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
    return f"{counts}; licences: {', '.join(written['licences'])}"
