"""``psyche-rl clean``: what reading and cleaning make of each row, without a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from data_pipeline.ingest.shown_rows import ShownRow

_NOISE = r"(?<=as ).+? row \d+|\d+(?= characters)|(?<=: )[^;]+, (?=seeker|counsellor|system|another turn)"


def clean(
    paths: Annotated[list[str], typer.Argument(help="files or folders", metavar="PATHS…")],
    out: Annotated[str, typer.Option(help="file of JSON lines, one for each row")],
    posts: Annotated[bool, typer.Option("--posts", help="posts with replies, not passages")] = False,
    config: Annotated[str | None, typer.Option(help="YAML config whose data and clean count")] = None,
) -> None:
    """Show how texts are read and cleaned: one JSON object for each row, in order, a summary on stderr."""
    from data_pipeline.ingest.clean_blocks import PASSAGES, POSTS
    from data_pipeline.ingest.shown_rows import show_rows
    from launch.cli.row_report import write_report
    from psyche_rl.config.cleaning import CleanConfig
    from psyche_rl.config.data import DataConfig

    data, cleaning = DataConfig(), CleanConfig()
    if config is not None:
        from psyche_rl.config import load_config

        given = load_config(config)
        data, cleaning = given.data, given.clean
    rows = show_rows(paths, data, cleaning, POSTS if posts else PASSAGES)
    write_report("clean", map(_shown, rows), out, _NOISE)


def _shown(row: ShownRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "source": row.source,
        "row": row.row,
        "raw": row.raw,
        "text": row.text,
        "rules": list(row.rules),
        "cues": list(row.cues),
        "redactions": row.redactions,
        "taken_out": list(row.taken_out),
        "outcome": row.outcome,
        "reason": row.reason,
    }
