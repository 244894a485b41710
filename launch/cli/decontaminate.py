"""``psyche-rl decontaminate``: is an exam in my training data? Imports what it needs when it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from launch.cli.arguments import AsJson
from psyche_rl.terminal.plain import echo

if TYPE_CHECKING:
    from data_pipeline.decontamination.files import FilesDecontaminated

SHOWN = 20  # matches in the table; all are in matches.parquet


def decontaminate(
    data: Annotated[str, typer.Argument(help="training data: a file or folder", metavar="DATA")],
    against: Annotated[list[str], typer.Option(help="evaluation set, repeatable", metavar="FILE_OR_FOLDER")],
    out: Annotated[str | None, typer.Option(help="new folder for what is kept and the list")] = None,
    ngram: Annotated[int | None, typer.Option(help="characters per n-gram")] = None,
    share: Annotated[float | None, typer.Option(help="share of an item's n-grams that matches")] = None,
    stem_chars: Annotated[int | None, typer.Option(help="shortest stem that matches by itself")] = None,
    jaccard: Annotated[float | None, typer.Option(help="similarity that matches")] = None,
    similarity: Annotated[float | None, typer.Option(help="likeness by edits that matches")] = None,
    embedding_model: Annotated[
        str | None, typer.Option(help="folder of a sentence-transformers model: matches by meaning too")
    ] = None,
    embedding_similarity: Annotated[float | None, typer.Option(help="cosine that matches")] = None,
    check: Annotated[bool, typer.Option("--check", help="write nothing; exit 1 if anything matches")] = False,
    as_json: AsJson = False,
) -> None:
    """Find and remove records that hold evaluation items; exit 1 if rows could not be read."""
    given = {
        "ngram": ngram, "share": share, "stem_chars": stem_chars, "jaccard": jaccard,
        "similarity": similarity, "embedding_model": embedding_model,
        "embedding_similarity": embedding_similarity,
    }  # fmt: skip
    outcome = _outcome(data, against, out, check, {k: v for k, v in given.items() if v is not None})
    for row in outcome.bad:
        echo(f"{row.source}: row {row.row}: {row.reason}", err=True)
    if as_json:
        echo(json.dumps(outcome.report, ensure_ascii=False))
    else:
        _print(outcome, None if check else out)
    if outcome.bad or (check and outcome.matches):
        raise typer.Exit(1)


def _outcome(
    data: str, against: list[str], out: str | None, check: bool, given: dict[str, float | str]
) -> FilesDecontaminated:
    from pydantic import ValidationError

    from data_pipeline.decontamination.files import decontaminate_files
    from psyche_rl.config.decontamination import DecontaminateConfig
    from psyche_rl.errors import ConfigError

    if check == (out is not None):
        raise ConfigError("give either --out DIR for what is kept, or --check to write nothing")
    try:
        settings = DecontaminateConfig.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise ConfigError(f"--{option}: {first['msg']} (given: {first['input']})") from None
    return decontaminate_files(data, against, settings, Path(out).expanduser() if out else None)


def _print(outcome: FilesDecontaminated, out: str | None) -> None:
    from rich.table import Table

    from data_pipeline.decontamination.files import table_rows
    from psyche_rl.terminal.console import PlainConsole

    console, report = PlainConsole(), outcome.report
    if outcome.matches:
        table = Table(title="matches")
        for name in ("record", "set", "rule", "part", "score", "item"):
            table.add_column(name, overflow="fold", justify="right" if name == "score" else "left")
        rows = list(table_rows(outcome))
        for row in rows[:SHOWN]:
            table.add_row(*row)
        console.print(table)
        if len(rows) > SHOWN:
            console.print(f"… and {len(rows) - SHOWN} more{' in matches.parquet' if out else ''}")
    for name, found in report["sets"].items():
        rules = ", ".join(f"{rule} {count}" for rule, count in found["matches"].items()) or "no match"
        console.print(f"{name}: {found['items']} items; {rules}", markup=False, highlight=False)
    if nearest := report.get("nearest_other_item"):
        told = ", ".join(f"{name} {value:.2f}" for name, value in nearest.items())
        console.print(f"cosine of an item to the nearest other one: {told}", markup=False, highlight=False)
    removed, records = report["removed"]["record"], report["compared"]["record"]
    console.print(
        f"{removed} of {records} records hold an evaluation item"
        + (f"; the others are in {out}/kept" if out else ""),
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
