"""``psyche-rl exam``: what reading makes of each row of an exam, without a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from data_pipeline.ingest.exam_questions import ExamRow

_NOISE = r"question-[0-9a-f]{16}|(?<= in ).+? row \d+|(?<=the key )\S+|^item \d+: |'.*?'"


def exam(
    paths: Annotated[list[str], typer.Argument(help="exam files or folders", metavar="PATHS…")],
    out: Annotated[str, typer.Option(help="file of JSON lines, one for each question of each row")],
) -> None:
    """Show how an exam is read: one JSON object for each row, in order, and a summary on stderr."""
    from data_pipeline.ingest.exam_questions import exam_rows
    from launch.cli.row_report import write_report

    write_report("exam", map(_shown, exam_rows(paths)), out, _NOISE)


def _shown(row: ExamRow) -> dict[str, Any]:
    question = row.question
    return {
        "id": question.id if question else None,
        "source": row.source,
        "row": row.row,
        "stem": question.stem if question else row.stem or None,
        "case": question.case if question else None,
        "options": list(question.options) if question else None,
        "gold": question.gold if question else None,
        "kind": question.kind if question else None,
        "outcome": row.outcome,
        "reason": row.reason,
    }
