"""``psyche-rl schema OUT``: the JSON Schema of every record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def schema(out: Annotated[str, typer.Argument(help="folder for the JSON Schema files")]) -> None:
    """Export the JSON Schema of every record."""
    from psyche_rl.records import ALL_RECORDS

    Path(out).mkdir(parents=True, exist_ok=True)
    for kind in ALL_RECORDS:
        text = json.dumps(kind.model_json_schema(), ensure_ascii=False, indent=1)
        Path(out, f"{kind.__name__}.schema.json").write_text(text, "utf-8")
