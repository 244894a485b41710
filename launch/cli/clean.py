"""``psyche-rl clean``: what reading and cleaning make of each row, without a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from data_pipeline.cleaning.crisis import Cue
    from data_pipeline.ingest.shown_rows import ShownRow

_NOISE = r"(?<=as ).+? row \d+|\d+(?= characters)|(?<=: )[^;]+, (?=seeker|counsellor|system|another turn)"


def clean(
    paths: Annotated[list[str], typer.Argument(help="files or folders", metavar="PATHS…")],
    out: Annotated[str, typer.Option(help="file of JSON lines, one for each row")],
    posts: Annotated[bool, typer.Option("--posts", help="posts with replies, not passages")] = False,
    config: Annotated[str | None, typer.Option(help="YAML config whose data, clean and domain count")] = None,
) -> None:
    """Show how texts are read and cleaned: one JSON object for each row, in order, a summary on stderr."""
    from functools import partial

    from data_pipeline.cleaning.crisis import crisis_cues
    from data_pipeline.domains import load_domain
    from data_pipeline.ingest.clean_blocks import PASSAGES
    from data_pipeline.ingest.own_cues import cleaning_with, own_cues, posts_with
    from data_pipeline.ingest.shown_rows import show_rows
    from launch.cli.row_report import write_report
    from psyche_rl.config.cleaning import CleanConfig
    from psyche_rl.config.data import DataConfig

    data, cleaning = DataConfig(), CleanConfig()
    cues_of: Callable[[str], Sequence[Cue]] = crisis_cues
    kind = posts_with(None) if posts else PASSAGES
    if config is not None:
        from psyche_rl.config import load_config

        given = load_config(config)
        domain = load_domain(given.domain)
        data, cleaning = given.data, cleaning_with(given.clean, domain)
        if domain.words.cues != "builtin":
            cues_of = partial(own_cues, cues=domain.cues or {})
        kind = posts_with(domain.cues) if posts else PASSAGES
    rows = show_rows(paths, data, cleaning, kind, cues_of)
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
