"""From a table of thoughts to rows: HealMe's three stages as a chat, SocraticReframe's rationale and target.

    cd examples/staged_reframing && python csv_to_chats.py reframing.csv --form stages > chats.jsonl

- ``stages``: three turns of the counsellor: circumstances apart from feelings, other views, a suggestion.
  What the client says between them is in the table.
- ``socratic``: one turn; the questions and answers are the think block, the target the reply.
- ``items``: the thought with its target, for a benchmark with the loader ``open``.
A row with an empty cell is named on stderr and makes the exit code 1.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Row = dict[str, str]
STAGES = ("facts", "alternatives", "suggestion")
ANSWERS = ("client_facts", "client_alternatives")


def as_stages(row: Row) -> dict[str, Any]:
    """Three exchanges; the last is the suggestion."""
    said = [f"{row['situation']}。{row['thought']}", *(row[name] for name in ANSWERS)]
    return _chat(pair for user, stage in zip(said, STAGES, strict=True) for pair in (user, row[stage]))


def as_socratic(row: Row) -> dict[str, Any]:
    """``questions`` holds question|answer|question|answer."""
    parts = row["questions"].split("|")
    if len(parts) % 2 or not all(map(str.strip, parts)):
        raise ValueError("questions are not pairs of question|answer")
    pairs = zip(parts[0::2], parts[1::2], strict=True)
    rationale = "\n".join(f"问：{question}\n答：{answer}" for question, answer in pairs)
    return _chat((row["thought"], f"<think>{rationale}</think>{row['target']}"))


def as_item(row: Row) -> dict[str, Any]:
    """A question with its reference."""
    return {"question": row["thought"], "gold": row["target"], "case": row["situation"]}


FORMS: dict[str, Callable[[Row], dict[str, Any]]] = {
    "stages": as_stages, "socratic": as_socratic, "items": as_item
}  # fmt: skip


def converted(rows: Iterable[Row], form: str) -> Iterator[dict[str, Any] | ValueError]:
    """Each row in a form, or what is wrong with it."""
    for row in rows:
        empty = [name for name, cell in row.items() if not (cell or "").strip()]
        try:
            yield ValueError(f"nothing under {', '.join(map(str, empty))}") if empty else FORMS[form](row)
        except (ValueError, KeyError) as error:
            yield ValueError(f"no column {error}" if isinstance(error, KeyError) else str(error))


def _chat(texts: Iterable[str]) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]}


def main() -> int:
    """Write JSONL to stdout."""
    parser = argparse.ArgumentParser(description="a CSV of thoughts as rows to train or measure on")
    parser.add_argument("table")
    parser.add_argument("--form", choices=sorted(FORMS), default="stages")
    given = parser.parse_args()
    bad = 0
    with open(given.table, encoding="utf-8-sig", newline="") as file:
        for number, found in enumerate(converted(csv.DictReader(file), given.form), 1):
            if isinstance(found, ValueError):
                bad += 1
                print(f"{given.table}: row {number}: {found}", file=sys.stderr)
            else:
                print(json.dumps(found, ensure_ascii=False))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
