"""Does the driver hold 100,000 synthetic questions in the memory of 10,000?

    python benchmarks/data_pipeline.py --part questions [--sizes 10000 100000]
    python benchmarks/stage_memory.py FOLDER QUESTIONS  # one size, in this process

Takes made-up texts (``synthetic_texts.py``) through synthesis, selection, the encoding of the SFT set and
publishing, each size in a process and a Ray of its own, with replies that are made up where a block asks for
them, and no LLM, engine or learner. Memory is the driver's peak resident set (VmHWM of /proc, set back before
each stage).
Goals: over all stages at the largest size at most 1.25 times that at the smallest, and below 1.5 GiB.
Linux only.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from house import HERE

# isort: split

from synthetic_texts import MadeUpTeacher, verdicts_of, write_inputs

STAGES = ("synth", "select", "sft encoding", "publish")
GROWTH, MOST_MIB = 1.25, 1536
SELECTORS = ("http://127.0.0.1:9/v1#one", "http://127.0.0.1:9/v1#two")


def in_processes_of_their_own(sizes: list[int], root: Path) -> tuple[dict[str, Any], bool]:
    """The figures of all sizes, printed beside the goals, and whether one is missed."""
    path = os.pathsep.join([str(root), str(HERE)])
    env = {**os.environ, "RAY_ADDRESS": "local", "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    runs = []
    for size in sizes:
        folder = tempfile.mkdtemp(prefix="psyche-rl-bench-")
        try:
            command = [sys.executable, __file__, folder, str(size)]
            done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
            runs.append(json.loads(done.stdout.splitlines()[-1]))
        finally:
            shutil.rmtree(folder)
    return judged(runs)


def judged(runs: list[dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    """The figures, printed beside the goals, and whether one is missed."""
    sizes = [f"{run['questions']:,} questions" for run in runs]
    print(f"\n| driver's peak, MiB | {' | '.join(sizes)} |")
    print(f"|---|{'---|' * len(runs)}")
    for stage in STAGES:
        peaks = [f"{run['stages'][stage]['peak_rss_mib']:,.0f}" for run in runs]
        print(f"| {stage} | {' | '.join(peaks)} |")
    first, last = runs[0]["peak_rss_mib"], runs[-1]["peak_rss_mib"]
    goals = {"growth": (round(last / first, 3), GROWTH), "MiB": (last, MOST_MIB)}
    for name, (value, most) in goals.items():
        print(f"{'ok  ' if value <= most else 'MISS'} {name}: {value:,} (goal: at most {most:,})")
    found = {"runs": runs, "goals": {name: {"found": v, "at_most": m} for name, (v, m) in goals.items()}}
    return found, any(value > most for value, most in goals.values())


def measured(folder: Path, questions: int) -> dict[str, Any]:
    """Counts, seconds and peaks of all stages for one size, in this process."""
    write_inputs(folder / "texts", questions)
    context = context_of(folder)
    found: dict[str, Any] = {"questions": questions, "stages": {}}
    work: dict[str, Callable[[Any], Any]] = {
        "synth": _synth, "select": _select, "sft encoding": _encode, "publish": _publish,
    }  # fmt: skip
    for stage in STAGES:
        _set_back()
        begun = time.monotonic()
        counts = work[stage](context)
        found["stages"][stage] = {
            "seconds": round(time.monotonic() - begun, 1),
            "peak_rss_mib": round(_status("VmHWM") / 1024, 1),
            "after_mib": round(_status("VmRSS") / 1024, 1),
            "counts": counts,
        }
        print(f"{questions:,} {stage}: {found['stages'][stage]}", file=sys.stderr, flush=True)
    found["peak_rss_mib"] = max(each["peak_rss_mib"] for each in found["stages"].values())
    return found


def context_of(folder: Path) -> Any:
    """The run: real settings, with selectors that are addresses nobody is asked at."""
    from psyche_rl.config import parse_config
    from psyche_rl.events import Events
    from psyche_rl.run_context import StageContext
    from psyche_rl.store import RunStore

    texts = folder / "texts"
    tree = {
        "run_dir": str(folder / "run"),
        "data": {
            "passages": str(texts / "passages.jsonl"),
            "posts": str(texts / "posts.jsonl"),
            "questions": str(texts / "exam.jsonl"),
        },
        "teacher": {"base_url": "http://127.0.0.1:9/v1", "model": "made-up"},
        "synth": {"rewrite_rounds": 0, "block_rows": 256},
        "select": {"selectors": list(SELECTORS), "samples": 2},
    }
    store = RunStore(tree["run_dir"])
    context = StageContext(parse_config(tree, "benchmark"), store, Events(store))
    store.write_text("config.yaml", json.dumps(tree))
    return context


def _synth(context: Any) -> dict[str, Any]:
    from launch.stages import synth

    teacher = MadeUpTeacher()
    door = SimpleNamespace(
        counts=lambda: dict.fromkeys(
            ("calls", "cached", "failures", "prompt_tokens", "completion_tokens"), 0
        ),
        notices=list,
        limit_stage=float,
        bring_back=lambda: None,
        close=lambda: None,
    )
    for name in vars(door):
        setattr(MadeUpTeacher, name, staticmethod(getattr(door, name)))

    async def there(_: Any) -> None:
        return None

    synth.probe, synth.start_llm, synth.placed = there, lambda *_, **__: teacher, _places
    return _few(synth.run(context))


@contextmanager
def _places(context: Any, _stage: str) -> Iterator[Any]:
    from actors.cluster import connect

    connect()
    yield SimpleNamespace(config=context.config, of=lambda _: ())


def _select(context: Any) -> dict[str, Any]:
    from launch.stages import select
    from psyche_rl.records import Verdict

    def answer(context: Any, _placed: Any, missing: Any) -> None:
        for selector, batches in missing:
            for batch in batches:
                given = [
                    v
                    for q in batch.questions
                    for v in verdicts_of(selector.label, q, selector.settings.samples)
                ]
                whole = not any(v.error for v in given)
                context.store.write_records(batch.rel if whole else batch.partial, Verdict, given)

    select.ask_selectors = answer
    return _few(select.run(context))


def _encode(context: Any) -> dict[str, Any]:
    from launch.stages import sft
    from psyche_rl.mini.cards import TEXTS
    from psyche_rl.mini.tokenizer import build_tokenizer

    folder = Path(context.store.path("")) / "tokenizer"
    build_tokenizer([path.read_text("utf-8") for path in sorted(TEXTS.glob("*.yaml"))], []).save_pretrained(
        folder
    )
    sequences, left = sft._sequences(context, folder)
    tokens = sum(len(sequences[at].input_ids) for at in range(0, len(sequences), 100))
    return {"sequences": len(sequences), "left": left, "tokens of every 100th": tokens}


def _publish(context: Any) -> dict[str, Any]:
    from data_pipeline.publish.publish_run import publish
    from psyche_rl.store import Manifest, StageEntry

    manifest = Manifest.load(context.store)
    for stage in ("synth", "select"):
        manifest.stages[stage] = StageEntry(status="done", started="", settings={}, counts={})
    manifest.save(context.store)
    out = Path(context.store.path("")).parent / "published"
    told = publish(
        context.store.url, out, ("hf", "llamafactory", "trl"), {"*": "CC-BY-4.0"}, allow_unknown=False
    )
    return dict(told["sets"])


def _few(counts: dict[str, Any]) -> dict[str, Any]:
    return {name: n for name, n in counts.items() if "." not in name}


def _set_back() -> None:
    """The peak counts from here."""
    Path("/proc/self/clear_refs").write_text("5")


def _status(name: str) -> int:
    """Kilobytes of a line of /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), int(sys.argv[2])), ensure_ascii=False))
