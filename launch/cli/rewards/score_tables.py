"""What ``psyche-rl rewards score`` prints and writes: means, parts, errors and replies to look at.

Collaborators: ``rows`` reads, ``actors.scoring.local`` scores, ``rewards.suspicion`` picks.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psyche_rl.errors import DataError
from rewards import Reward, RewardSample, Score
from rewards.selftest import Scorer
from rewards.suspicion import suspicious

EXCERPT = 160
"""Characters shown of a reply."""


@dataclass(frozen=True)
class ScoredRow:
    """One row of the file with its score."""

    row: int
    sample: RewardSample
    score: Score


def scored(score: Scorer, rows: Sequence[tuple[int, RewardSample]]) -> list[ScoredRow]:
    """All rows, in order."""
    scores = score([sample for _, sample in rows])
    return [ScoredRow(row, sample, score) for (row, sample), score in zip(rows, scores, strict=True)]


def summary(reward: Reward, rows: Sequence[ScoredRow], bad_rows: int) -> dict[str, Any]:
    """What there is to know of a scored file, as JSON-able values."""
    values = [row.score.value for row in rows]
    valid = [value for value in values if value is not None]
    parts: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name, part in row.score.parts.items():
            parts[name].append(part)
    errors: dict[str, dict[str, Any]] = {}
    for row in rows:
        if error := row.score.error:
            first = {"count": 0, "row": row.row, "message": error.message}
            errors.setdefault(error.kind, first)["count"] += 1
    suspects = suspicious([row.sample for row in rows], values)
    return {
        "reward": reward.name,
        "fingerprint": reward.fingerprint(),
        "rows": len(rows) + bad_rows,
        "bad_rows": bad_rows,
        "value": _figures(valid),
        "parts": {name: _figures(figures) for name, figures in parts.items()},
        "errors": errors,
        "suspicious": [
            {
                "row": rows[s.place].row,
                "id": rows[s.place].sample.id,
                "value": s.value,
                "signs": list(s.signs),
                "response": _excerpt(rows[s.place].sample.response),
            }
            for s in suspects
        ],
    }


def print_tables(found: dict[str, Any]) -> None:
    """The summary for people."""
    from rich.table import Table

    from psyche_rl.terminal.console import PlainConsole

    console = PlainConsole()
    scored_rows = found["value"]["n"]
    told = f"{found['reward']} ({found['fingerprint']}): {scored_rows} of {found['rows']} rows have a score"
    console.print(told)
    table = Table()
    for column in ("", "n", "mean", "min", "max"):
        table.add_column(column, justify="right" if column else "left")
    for name, figures in {"reward": found["value"], **found["parts"]}.items():
        cells = (f"{figures[key]:.4f}" if figures["n"] else "–" for key in ("mean", "min", "max"))
        table.add_row(name, str(figures["n"]), *cells)
    console.print(table)
    if found["errors"]:
        table = Table("error", "n", "first", title="Errors")
        for kind, error in found["errors"].items():
            table.add_row(kind, str(error["count"]), f"row {error['row']}: {error['message']}")
        console.print(table)
    if found["suspicious"]:
        table = Table("row", "id", "reward", "signs", "reply", title="Most suspicious")
        for item in found["suspicious"]:
            signs = ", ".join(item["signs"])
            texts = (item["id"], f"{item['value']:.3f}", signs, item["response"])
            table.add_row(str(item["row"]), *texts)
        console.print(table)


def write_scores(rows: Sequence[ScoredRow], path: str) -> None:
    """A parquet file of row, id, value, parts, error_kind and error_message.

    Raises:
        DataError: it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [
            ("row", pa.int64()),
            ("id", pa.string()),
            ("value", pa.float64()),
            ("parts", pa.map_(pa.string(), pa.float64())),
            ("error_kind", pa.string()),
            ("error_message", pa.string()),
        ]
    )
    table = [
        {
            "row": row.row,
            "id": row.sample.id,
            "value": row.score.value,
            "parts": row.score.parts,
            "error_kind": row.score.error and row.score.error.kind,
            "error_message": row.score.error and row.score.error.message,
        }
        for row in rows
    ]
    try:
        pq.write_table(pa.Table.from_pylist(table, schema=schema), path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error})") from None


def _figures(values: Sequence[float]) -> dict[str, Any]:
    if not values:
        return {"n": 0, "mean": None, "min": None, "max": None}
    return {"n": len(values), "mean": statistics.fmean(values), "min": min(values), "max": max(values)}


def _excerpt(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= EXCERPT else f"{flat[: EXCERPT // 2]} … {flat[-EXCERPT // 2 :]}"
