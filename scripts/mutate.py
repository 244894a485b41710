"""Put small faults into the code, one at a time, and see whether the nearest tests notice.

    .venv/bin/python scripts/mutate.py --seed 1 --count 200

Role: draw the mutants, run each on the tests that reach its line, report the share killed and who survived.
Collaborators: ``mutants`` makes them; ``mutant_runs`` runs the tests; ``equivalent_mutants.json`` says which
survivors no test could tell from the original, and why.
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
import queue
import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from mutants import Mutant, mutant, sites_of

ROOT = Path(__file__).resolve().parents[1]
NEAREST: dict[str, tuple[str, ...]] = {
    "rewards": ("tests/rewards",),
    "psyche_rl/learner": ("tests/psyche_rl/learner",),
    "psyche_rl/loops": ("tests/psyche_rl/loops",),
    "psyche_rl/llm": ("tests/psyche_rl/llm",),
    "psyche_rl/store": ("tests/psyche_rl/store",),
    "data_pipeline/rows": ("tests/data_pipeline/rows",),
}
"""Where faults are put, and the tests that must notice them."""
LEFT_OUT = ("test_trl_trainer.py", "test_llm_kill.py")
"""Tests that start a whole trainer, or kill processes at a moment that the clock chooses."""
SURVEY_S, LEAST_S, TIMES = 1800.0, 20.0, 10.0
"""Seconds for a folder's tests, and for a mutant: so many at least, or so many times what its tests take."""


class Worker:
    """A copy of the tree and the warm process that works in it."""

    def __init__(self, folder: Path, files: list[str]) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        for file in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, folder / file)
        environment = {
            **os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
        }  # fmt: skip
        script = str(ROOT / "scripts" / "mutant_runs.py")
        self._log = (folder.parent / f"{folder.name}.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, script, str(folder)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
        )  # fmt: skip

    def ask(self, **job: Any) -> dict[str, Any]:
        """Send a job and wait for its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"error: a worker died; see {self._log.name}")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._log.close()


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


def room_of(file: str) -> str:
    return next(room for room in NEAREST if file.startswith(f"{room}/"))


def tracked_files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return [file for file in listed if (ROOT / file).is_file()]


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
        if f.startswith(tuple(f"{folder}/" for folder in folders)) and Path(f).match("test_*.py")
        and Path(f).name not in LEFT_OUT
    )  # fmt: skip
    sources = [f for f in files if f.startswith(f"{room}/") and f.endswith(".py")]
    near = [
        f
        for f in files
        if f.startswith((*(f"{folder}/" for folder in folders), "tests/fakes/", "tests/conftest"))
    ]
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


def judge_all(mutants: list[Mutant], surveys: dict[str, Any], workers: list[Worker], note: Any) -> None:
    """Every mutant on whichever worker is free."""
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for one in mutants:
        waiting.put(one)

    def work(worker: Worker) -> None:
        while True:
            try:
                one = waiting.get_nowait()
            except queue.Empty:
                return
            tests = surveys[room_of(one.file)]["tests"]
            order = order_of(one, tests)
            limit = LEAST_S + TIMES * sum(tests[name]["seconds"] for name in order)
            files = list(dict.fromkeys(name.split("::")[0] for name in order))
            note(
                one,
                worker.ask(
                    do="judge", file=one.file, source=one.source, order=order, files=files, limit_s=limit
                ),
            )

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


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
        keys, surveys = {}, {}
        for room in rooms:
            keys[room], surveys[room] = surveyed(work, room, files, workers[0])
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
            heating = [
                threading.Thread(target=worker.ask, kwargs={"do": "warm", "names": names})
                for worker in workers
            ]
            for thread in heating:
                thread.start()
            for thread in heating:
                thread.join()
            judge_all(left, surveys, workers, note)
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
