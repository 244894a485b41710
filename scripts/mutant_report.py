"""What became of the mutants: the share killed, and who survived.

Role: ``equivalent_mutants.json`` says which survivors no test could tell from the original, and why; the
share is given with and without them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mutants import Mutant, room_of


def equivalents() -> dict[tuple[str, str], str]:
    path = Path(__file__).with_name("equivalent_mutants.json")
    rows = json.loads(path.read_text("utf-8")) if path.exists() else []
    return {(row["file"], row["change"]): row["reason"] for row in rows}


def report(mutants: list[Mutant], judged: dict[str, Any], seed: int, seconds: float) -> dict[str, Any]:
    """The share killed and the survivors, with the reasons of those that no test can tell."""
    known = equivalents()
    survivors = [
        {"place": f"{m.file}:{m.line}", "kind": m.kind, "diff": m.diff, "change": m.change,
         "equivalent": known.get((m.file, m.change))}
        for m in mutants if judged[m.id]["code"] in (0, 5)
    ]  # fmt: skip
    open_ones = [row for row in survivors if row["equivalent"] is None]
    told = len(mutants) - (len(survivors) - len(open_ones))
    rooms: dict[str, list[int]] = {}
    for one in mutants:
        counts = rooms.setdefault(room_of(one.file), [0, 0])
        counts[0] += judged[one.id]["code"] not in (0, 5)
        counts[1] += 1
    return {
        "seed": seed, "drawn": len(mutants), "killed": len(mutants) - len(survivors),
        "seconds": round(seconds),
        "share_of_all": round((len(mutants) - len(survivors)) / max(1, len(mutants)), 4),
        "share_of_those_that_can_be_told": round((told - len(open_ones)) / max(1, told), 4),
        "rooms": rooms, "survivors": survivors,
    }  # fmt: skip


def show(found: dict[str, Any]) -> None:
    for row in found["survivors"]:
        print(
            f"\n{row['place']}  {row['kind']}"
            + (f"  [equivalent: {row['equivalent']}]" if row["equivalent"] else "")
        )
        print(row["diff"])
    print()
    for room, (killed, drawn) in sorted(found["rooms"].items()):
        print(f"{room:24} {killed:4} of {drawn:4} killed")
    print(
        f"seed {found['seed']}: {found['killed']} of {found['drawn']} killed ({found['share_of_all']:.1%}); "
        f"without the equivalent ones {found['share_of_those_that_can_be_told']:.1%}"
    )
