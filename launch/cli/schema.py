"""``psyche-rl schema OUT``: the JSON Schema of every record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def schema(out: Annotated[str, typer.Argument(help="folder for the JSON Schema files")]) -> None:
    """Export the JSON Schema of every record."""
    from psyche_rl.errors import ConfigError
    from psyche_rl.records import ALL_RECORDS

    folder = Path(out).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in ALL_RECORDS:
            text = json.dumps(kind.model_json_schema(), ensure_ascii=False, indent=1)
            (folder / f"{kind.__name__}.schema.json").write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written ({error.strerror}); give another folder") from None
