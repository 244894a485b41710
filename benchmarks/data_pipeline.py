"""Does the data pipeline hold large inputs in the memory of small ones?

    python benchmarks/data_pipeline.py [--part texts questions] [--sizes 10000 100000 1000000]

Part ``questions``, from synthesis to publishing, is told in ``stage_memory.py``.
Part ``texts`` is ingest, clean and exact deduplication of passages of about 270 characters, in JSONL files of
50,000 rows, a share of them dirty (emoji, links, advertisements, personal data, other languages, broken rows,
repeats). Each size goes through ``write_cleaned`` in a process and a Ray of its own. Peak memory is the sum
of the proportional set sizes (PSS) of the driver, Ray and its workers, looked at every half second; seconds
count from the first block, which leaves out the start of the workers, and whole.
Goals: at the largest size at most 1.25 times the memory of the size before it (from which on every process
and buffer there will be is there), and between them no more time for a passage than 1.25 times that between
the smaller sizes.
Linux only. Writes benchmarks/results/data_pipeline.json; a part that is not run keeps its figures there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from house import ROOT

# isort: split

from machine import describe_machine
from stage_memory import in_processes_of_their_own

RESULTS = ROOT / "benchmarks" / "results" / "data_pipeline.json"
GOAL = 1.25
ROWS_PER_FILE = 50_000
TOPICS = (
    "记忆", "注意", "情绪", "动机", "人格", "知觉", "思维", "语言", "学习", "遗忘", "焦虑", "抑郁", "从众",
    "归因", "依恋", "压力", "睡眠", "自尊",
)  # fmt: skip
PHRASES = (
    "容量有限，同时做两件费心的事会互相干扰", "在学习之后立刻开始，最初最快，以后逐渐变慢",
    "随年龄发展，也受家庭和同伴的影响", "由遗传与环境共同决定，二者的份额因人而异",
    "可以用量表测量，分数要与常模比较", "在不同文化中有不同的表现，但结构大致相同",
    "与前额叶的活动有关，这一点得到了影像研究的支持", "常被误解为意志的问题，其实有规律可循",
    "在实验中被反复验证，效应大小中等", "会随着练习而自动化，所占的资源越来越少",
    "受到先前经验的引导，人们往往看到所期待的东西", "对健康有长期的影响，需要及早干预",
)  # fmt: skip
DIRT = (
    (0.05, "太重要了😀🎉！"), (0.03, "加微信领取资料！"), (0.03, "详见 https://example.com/a?b=1 一文。"),
    (0.01, "他的电话是13800138000。"), (0.005, "来信请寄 someone@example.com。"),
    (0.01, "我叫李明，今年二十岁。"),
    (0.02, "得分(SCL-90)偏高,需注意..."), (0.02, "<p>⼥性&nbsp;较多</p>"),
)  # fmt: skip


def main() -> int:
    """Measure every size, write, print; the exit code tells of the goals."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--sizes", type=int, nargs="+", help="of either part, the smallest first")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.one)))
        return 0
    known = json.loads(args.out.read_text("utf-8")) if args.out.exists() else {}
    missed = False
    for part in args.part:
        known[part], missed_here = PARTS[part](args.sizes)
        missed = missed or missed_here
        known["machine"] = describe_machine()
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return int(missed)


def texts(sizes: list[int] | None) -> tuple[dict[str, Any], bool]:
    """Figures of ingest and cleaning, and whether a goal is missed."""
    runs = [in_a_process_of_its_own(size) for size in sizes or (10_000, 100_000, 1_000_000)]
    goals = judged(runs)
    print(
        "| passages | seconds | rows/s | rows/s from the first block | peak PSS, MiB |\n|---|---|---|---|---|"
    )
    for run in runs:
        print(
            f"| {run['rows']:,} | {run['seconds']:.1f} | {run['rows_per_s']:,.0f} "
            f"| {run['rows_per_s_from_first_block']:,.0f} | {run['peak_pss_mib']:,.0f} |"
        )
    for name, value in goals.items():
        print(f"{'ok  ' if value <= GOAL else 'MISS'} {name}: {value:.2f} (goal: at most {GOAL})")
    found = {"goal": GOAL, "runs": runs, "goals": goals}
    return found, any(value > GOAL for value in goals.values())


def questions(sizes: list[int] | None) -> tuple[dict[str, Any], bool]:
    """Figures of synthesis to publishing, and whether a goal is missed."""
    return in_processes_of_their_own(sizes or [10_000, 100_000], ROOT)


PARTS = {"texts": texts, "questions": questions}


def judged(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Memory and time per passage of the last step over those of the step before."""
    if len(runs) < 3:
        return {}
    per_row = [(b["seconds"] - a["seconds"]) / (b["rows"] - a["rows"]) for a, b in pairwise(runs)]
    return {
        "memory": round(runs[-1]["peak_pss_mib"] / runs[-2]["peak_pss_mib"], 3),
        "time per passage": round(per_row[-1] / per_row[-2], 3),
    }


def in_a_process_of_its_own(size: int) -> dict[str, Any]:
    """The figures of one size."""
    folder = Path(tempfile.mkdtemp(prefix="psyche-rl-bench-"))
    try:
        make_corpus(folder / "corpus", size)
        command = [sys.executable, __file__, "--one", str(folder)]
        env = {**os.environ, "RAY_ADDRESS": "local", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout.splitlines()[-1])
    finally:
        shutil.rmtree(folder)


def make_corpus(folder: Path, size: int) -> None:
    """``size`` rows, the same for the same size."""
    folder.mkdir(parents=True)
    draw = random.Random(size)
    recent: list[str] = []
    for begin in range(0, size, ROWS_PER_FILE):
        with (folder / f"part-{begin // ROWS_PER_FILE:04d}.jsonl").open("w", encoding="utf-8") as file:
            for number in range(begin, min(size, begin + ROWS_PER_FILE)):
                file.write(row(draw, number, recent))


def row(draw: random.Random, number: int, recent: list[str]) -> str:
    """One line: a passage, dirty at times, seldom a repeat, in English, or broken."""
    kind = draw.random()
    if kind < 0.001:
        return '{"text": broken\n'
    if kind < 0.01:
        text = f"Passage {number} is about attention and memory and was written in English. " * 3
    elif kind < 0.05 and recent:
        text = draw.choice(recent)
    else:
        sentences = [
            f"{draw.choice(TOPICS)}与{draw.choice(TOPICS)}{draw.choice(PHRASES)}。" for _ in range(9)
        ]
        sentences += [dirt for share, dirt in DIRT if draw.random() < share]
        draw.shuffle(sentences)
        text = f"第{number}号被试的材料如下。{''.join(sentences)}"
        recent[:] = [*recent[-99:], text]
    return json.dumps({"text": text, "title": draw.choice(TOPICS)}, ensure_ascii=False) + "\n"


def one(folder: Path) -> dict[str, Any]:
    """Takes the corpus in ``folder`` through the stages and measures."""
    from actors.cluster import connect
    from data_pipeline.ingest import cleaned_files
    from data_pipeline.ingest.clean_blocks import PASSAGES
    from psyche_rl.config.cleaning import CleanConfig
    from psyche_rl.config.data import DataConfig
    from psyche_rl.store import RunStore

    connect()
    first_block: list[float] = []
    stream = cleaned_files.stream_cleaned

    def timed(*args: Any) -> Any:
        for table in stream(*args):
            first_block[:] = first_block or [time.monotonic(), table.num_rows]
            yield table

    cleaned_files.stream_cleaned = timed
    with Peak() as peak:
        begun = time.monotonic()
        found = cleaned_files.write_cleaned(
            RunStore(str(folder / "run")),
            "clean",
            [str(folder / "corpus")],
            DataConfig(),
            CleanConfig(),
            PASSAGES,
        )
        ended = time.monotonic()
    at, rows_then = first_block
    return {
        "rows": found.ended.rows,
        "seconds": round(ended - begun, 2),
        "rows_per_s": round(found.ended.rows / (ended - begun), 1),
        "rows_per_s_from_first_block": round((found.ended.rows - rows_then) / max(ended - at, 1e-9), 1),
        "peak_pss_mib": round(peak.bytes / 2**20, 1),
        "counts": found.ended.as_dict(),
    }


class Peak:
    """The highest sum of PSS of this process and all below it, while the context lasts."""

    def __init__(self) -> None:
        self.bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, family_pss())
            if self._stop.wait(0.5):
                return

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def family_pss() -> int:
    """Bytes of PSS now; a process that ends while it is looked at counts as none."""
    import psutil

    total, me = 0, psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        try:
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return total


if __name__ == "__main__":
    sys.exit(main())
