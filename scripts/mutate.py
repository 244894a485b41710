"""Put small faults into the code, one at a time, and see whether the nearest tests notice.

    .venv/bin/python scripts/mutate.py --seed 1 --count 200

Role: draw the mutants, run each on the tests that reach its line, report the share killed and who survived.
Collaborators: ``mutants`` makes them; ``mutant_workers`` have copies of the tree; ``mutant_report`` tells.
Invariants:
- The checkout is only read: each worker has a copy of the tree.
- A seed draws the same mutants from the same sources: a line at random, then one of its faults.
- What was judged is kept and not judged again, until a source or a test of its folder changes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mutant_report import report, show
from mutant_workers import ROOT, Worker, spread, tracked_files
from mutants import LEFT_OUT, NEAREST, Mutant, mutant, room_of, sites_of

SURVEY_S, LEAST_S, TIMES = 1800.0, 10.0, 5.0
"""Seconds for a folder's tests; and for one test on a mutant, a few and so many times what it takes."""


def draw(sources: dict[str, str], seed: int, count: int) -> list[Mutant]:
    """``count`` mutants: lines at random without repeats, then one fault of each line."""
    by_line: dict[tuple[str, int], list[Any]] = {}
    for file, text in sorted(sources.items()):
        for site in sites_of(text):
            by_line.setdefault((file, site.line), []).append(site)
    dice = random.Random(seed)
    lines = sorted(by_line)
    dice.shuffle(lines)
    found: list[Mutant] = []
    for file, line in lines:
        if len(found) == count:
            break
        made = mutant(file, sources[file], dice.choice(by_line[file, line]))
        if made is not None:
            found.append(made)
    return found


def digest(files: list[str]) -> str:
    found = hashlib.sha256()
    for file in sorted(files):
        found.update(file.encode() + (ROOT / file).read_bytes())
    return found.hexdigest()[:16]


def surveyed(work: Path, room: str, files: list[str], worker: Worker) -> tuple[str, dict[str, Any]]:
    """Which test of the room reaches which line; measured anew when a source or a test has changed."""
    folders = NEAREST[room]
    tests = sorted(
        f for f in files
        if f.startswith(folders) and Path(f).match("test_*.py")
        and Path(f).name not in LEFT_OUT
    )  # fmt: skip
    sources = [f for f in files if f.startswith(f"{room}/") and f.endswith(".py")]
    near = [f for f in files if f.startswith((*folders, "tests/fakes/", "tests/conftest"))]
    key = digest([*sources, *near])
    kept = work / f"survey-{room.replace('/', '-')}-{key}.json"
    if not kept.exists():
        print(f"{room}: which tests reach which lines …", file=sys.stderr)
        found = worker.ask(do="survey", sources=sources, tests=tests, limit_s=SURVEY_S)
        if found["code"] != 0:
            raise SystemExit(
                f"error: the tests of {room} fail without any fault (pytest says {found['code']})"
            )
        kept.write_text(json.dumps(found))
    return key, json.loads(kept.read_text())


def order_of(one: Mutant, tests: dict[str, Any]) -> list[str]:
    """The tests that reach the line, cheapest files first; all of them where none was seen to.

    Lines that run while a module is imported are reached by every test.
    """
    reached = {
        name: test["seconds"] for name, test in tests.items() if one.line in test["lines"].get(one.file, ())
    }  # fmt: skip
    chosen = reached or {name: test["seconds"] for name, test in tests.items()}
    cost: dict[str, float] = {}
    for name, seconds in chosen.items():
        file = name.split("::")[0]
        cost[file] = cost.get(file, 0.0) + seconds
    own = Path(one.file).stem
    return sorted(chosen, key=lambda name: (own not in name.split("::")[0], cost[name.split("::")[0]], name))


def judge(one: Mutant, tests: dict[str, Any], worker: Worker) -> dict[str, Any]:
    """Run the mutant's nearest tests until one fails."""
    order = order_of(one, tests)
    limits = {name: LEAST_S + TIMES * tests[name]["seconds"] for name in order}
    limit = max(limits.values()) + TIMES * sum(tests[name]["seconds"] for name in order)
    files = list(dict.fromkeys(name.split("::")[0] for name in order))
    return worker.ask(do="judge", file=one.file, source=one.source, limits=limits, files=files, limit_s=limit)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seed", type=int, required=True, help="which mutants are drawn")
    asked.add_argument("--count", type=int, default=200, help="how many (default 200)")
    asked.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)"
    )
    asked.add_argument("--rooms", nargs="+", choices=list(NEAREST), default=list(NEAREST))
    asked.add_argument("--work", type=Path, default=ROOT / "build" / "mutants", help="copies and results")
    options = asked.parse_args()
    started = time.monotonic()
    work: Path = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    files = tracked_files()
    sources = {
        f: (ROOT / f).read_text("utf-8")
        for f in files if f.endswith(".py") and f.startswith(tuple(f"{room}/" for room in options.rooms))
    }  # fmt: skip
    mutants = draw(sources, options.seed, options.count)
    workers = [Worker(work / f"copy{number}", files) for number in range(options.workers)]
    try:
        rooms = sorted({room_of(one.file) for one in mutants})
        found_of: dict[str, tuple[str, dict[str, Any]]] = {}
        spread(
            workers, rooms, lambda worker, room: found_of.update({room: surveyed(work, room, files, worker)})
        )
        keys = {room: key for room, (key, _) in found_of.items()}
        surveys = {room: survey for room, (_, survey) in found_of.items()}
        kept = work / "judged.jsonl"
        known = (
            {row["key"]: row for row in map(json.loads, kept.read_text().splitlines())}
            if kept.exists()
            else {}
        )
        judged: dict[str, Any] = {}
        left = []
        for one in mutants:
            row = known.get(f"{one.id} {keys[room_of(one.file)]}")
            if row is None:
                left.append(one)
            else:
                judged[one.id] = row
        lock = threading.Lock()

        def note(one: Mutant, found: dict[str, Any]) -> None:
            with lock, kept.open("a") as out:
                judged[one.id] = {"key": f"{one.id} {keys[room_of(one.file)]}", **found}
                out.write(json.dumps(judged[one.id]) + "\n")
                state = "SURVIVED" if found["code"] in (0, 5) else "killed"
                print(
                    f"{len(judged)}/{len(mutants)} {state} {one.file}:{one.line} {one.kind} "
                    f"({found['seconds']} s) {found['by']}", file=sys.stderr,
                )  # fmt: skip

        if left:
            names = list(dict.fromkeys(name for room in rooms for name in surveys[room]["imported"]))
            with ThreadPoolExecutor(len(workers)) as pool:
                list(pool.map(lambda worker: worker.ask(do="warm", names=names), workers))
            spread(
                workers, left,
                lambda worker, one: note(one, judge(one, surveys[room_of(one.file)]["tests"], worker)),
            )  # fmt: skip
    finally:
        for worker in workers:
            worker.close()
    found = report(mutants, judged, options.seed, time.monotonic() - started)
    (work / f"report-{options.seed}-{options.count}.json").write_text(
        json.dumps(found, ensure_ascii=False, indent=1)
    )
    show(found)


if __name__ == "__main__":
    main()
