"""Recall and precision of crisis cues and redaction on the labelled sets, as the tables of docs/safety.md.

``python tests/data_pipeline/cleaning/labelled_figures.py`` prints them. Held halves are counted, never shown.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_pipeline.cleaning import pii
from data_pipeline.cleaning.crisis import crisis_cues
from data_pipeline.cleaning.pii_plain import plain

FOLDER = Path(__file__).with_name("labelled")
HALVES = ("tuned", "held")
CRISIS = ("crisis",)
"""The sets with a held half."""


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]


@lru_cache
def crisis_counts(name: str) -> dict[str, Counter[str]]:
    """Half -> right answers and all, by category, and of the half: true, found and rightly found."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows(name):
        found = bool(crisis_cues(row["text"]))
        half, category = counts[row["half"]], row["category"]
        half[f"{category} all"] += 1
        half[f"{category} right"] += found == row["cue"]
        half["true"] += row["cue"]
        half["found"] += found
        half["rightly"] += found and row["cue"]
    return counts


def crisis_table(name: str) -> list[str]:
    counts = crisis_counts(name)
    kinds = {row["category"]: row["cue"] for row in rows(name)}
    lines = ["| category | cue | tuned half | held half |", "|---|---|---|---|"]
    for category, cue in sorted(kinds.items(), key=lambda each: (not each[1], each[0])):
        right = [f"{counts[h][f'{category} right']} of {counts[h][f'{category} all']}" for h in HALVES]
        lines.append(f"| `{category}` | {'yes' if cue else 'no'} | {' | '.join(right)} |")
    for title, share in (("recall", recall), ("precision", precision)):
        lines.append(f"| **{title}** | | {' | '.join(f'{share(name, half):.1%}' for half in HALVES)} |")
    return lines


def recall(name: str, half: str) -> float:
    return crisis_counts(name)[half]["rightly"] / crisis_counts(name)[half]["true"]


def precision(name: str, half: str) -> float:
    return crisis_counts(name)[half]["rightly"] / crisis_counts(name)[half]["found"]


@lru_cache
def pii_counts() -> dict[str, Counter[str]]:
    """Half -> texts of a kind, those of which nothing is left, hits of a kind, and those that hit a span."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows("pii"):
        half, text = counts[row["half"]], row["text"]
        hits = pii.find(text)
        redacted = pii.redact(text)[0]
        clean = all(span not in redacted for span in row["spans"]) if row["spans"] else not hits
        half[f"{row['kind']} all"] += 1
        half[f"{row['kind']} right"] += clean
        for hit in hits:
            there = plain(text)[hit.start : hit.end]
            right = any(plain(span) in there or there in plain(span) for span in row["spans"])
            half[f"{hit.kind} hits"] += 1
            half[f"{hit.kind} rightly"] += right
    return counts


def pii_table() -> list[str]:
    counts = pii_counts()
    lines = [
        "| kind | recall, tuned | recall, held | precision, tuned | precision, held |",
        "|---|---|---|---|---|",
    ]
    for kind in sorted({row["kind"] for row in rows("pii")} - {"none"}):
        name = {"id_number": "id_card"}.get(kind, kind)
        cells = [f"{counts[h][f'{kind} right']} of {counts[h][f'{kind} all']}" for h in HALVES]
        cells += [f"{counts[h][f'{name} rightly']} of {counts[h][f'{name} hits']}" for h in HALVES]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    alone = [f"{counts[h]['none right']} of {counts[h]['none all']}" for h in HALVES]
    return [*lines, f"| texts without personal data left alone | {' | '.join(alone)} | | |"]


if __name__ == "__main__":
    print(
        "\n".join(
            [*(line for name in CRISIS for line in (f"{name}:", *crisis_table(name), "")), *pii_table()]
        )
    )
