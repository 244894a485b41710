"""Faults of machine, disk, files and servers, each with what is promised when it happens.

``docs/reliability.md`` shows :func:`table`; ``test_fault_matrix.py`` makes every fault happen. A fault is a
function of an empty folder that asserts what it promises.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from bad_server import BadServer, served
from planted_text import PLANTED, steers
from small_disk import fill, read_only, small_disk
from typer.testing import CliRunner

from data_pipeline.ingest import ingest_passages
from launch.cli.app import app
from launch.run_writer import writing
from psyche_rl.errors import ModelError, PsycheError, RunFolderError, TeacherError
from psyche_rl.llm import CallCache, CallFailure, ChatReply, ChatRequest
from psyche_rl.llm.call_cache import CACHE_FILE
from psyche_rl.own_python import CODE, python
from psyche_rl.records import Message
from psyche_rl.safetensors_header import read_header
from psyche_rl.store import Manifest, RunStore, StageEntry
from psyche_rl.store.disk import DiskError
from psyche_rl.store.lock import LOCK
from psyche_rl.store.manifest import now

SIZE = "20m"
GOES_ON = "; the same command goes on"
TEXT = "海马与记忆的巩固有关。" * 20


@dataclass(frozen=True)
class Fault:
    """``happens`` and ``promised`` are the cells of the table."""

    happens: str
    promised: str
    tried: Callable[[Path], None]


FAULTS: list[Fault] = []


def fault(happens: str, promised: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    def enter(tried: Callable[[Path], None]) -> Callable[[Path], None]:
        FAULTS.append(Fault(happens, promised, tried))
        return tried

    return enter


def table() -> str:
    rows = [f"| {each.happens} | {each.promised} |" for each in FAULTS]
    return "\n".join(["| what happens | what is promised |", "|---|---|", *rows])


# -- what faults are made of ----------------------------------------------------------------------------
def stage(folder: Path, work: Callable[[RunStore], object]) -> None:
    """A stage of a run in ``folder`` that does ``work``."""
    store = RunStore(str(folder))
    with writing(store, 1.0) as writer:
        entry = StageEntry(status="running", started=now())
        writer.enter("synth", entry)
        try:
            work(store)
            entry.status = "done"
        except BaseException as error:
            writer.fail(entry, error)
            raise
        finally:
            writer.save()


def entry_of(folder: Path) -> StageEntry:
    return Manifest.load(RunStore(str(folder))).stages["synth"]


def half_written(folder: Path) -> list[str]:
    return [file.name for file in folder.rglob("*.tmp*")]


def told(*words: object) -> str:
    """What a command says on stderr when it ends in one line."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, result.output
    assert "Traceback" not in result.output
    return lines[0]


@contextmanager
def one_line(*words: str, kind: type[PsycheError] = RunFolderError) -> Iterator[None]:
    with pytest.raises(kind) as caught:
        yield
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line, line


# -- the disk -------------------------------------------------------------------------------------------
@fault(
    "the disk is full in the middle of a stage, three times in a row",
    "one line with path and free space; the manifest says `failed` and why; no half-written file" + GOES_ON,
)
def _(place: Path) -> None:
    with small_disk(place / "disk", SIZE) as disk:

        def work(store: RunStore) -> None:
            fill(disk)
            store.write_bytes("synth/records", b"x" * 2**20)

        for _ in range(3):
            with one_line("no space is left on the disk", "MiB free", kind=DiskError):
                stage(disk / "run", work)
            assert (entry_of(disk / "run").status, half_written(disk)) == ("failed", [])
            assert "no space is left" in str(entry_of(disk / "run").error)
            (disk / "ballast").unlink()
        stage(disk / "run", lambda store: store.write_bytes("synth/records", b"x" * 2**20))
        assert entry_of(disk / "run").status == "done"


@fault("the disk goes read-only in the middle of a stage", "one line with path and remedy" + GOES_ON)
def _(place: Path) -> None:
    with small_disk(place / "disk", SIZE) as disk:
        with one_line("mounted read-only", kind=DiskError):
            stage(disk / "run", lambda store: (read_only(disk), store.write_bytes("synth/a", b"x")))
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        (disk / "run" / LOCK).unlink()  # its process, which is this one, would be gone
        stage(disk / "run", lambda store: store.write_bytes("synth/a", b"x"))


@fault(
    "the mount of the run folder goes away, or the folder is removed, in the middle of a stage",
    "one line that the folder was taken away; no manifest is written to where it was",
)
def _(place: Path) -> None:
    with small_disk(place / "disk", SIZE) as disk:

        def unmount(store: RunStore) -> None:
            subprocess.run(["umount", "-l", str(disk)], check=True)

        with one_line(str(disk / "run")):
            stage(disk / "run", unmount)
        assert not (disk / "run" / "manifest.json").exists()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], check=True)  # for who unmounts it

    def remove(store: RunStore) -> None:
        subprocess.run(["rm", "-r", str(place / "run")], check=True)

    with one_line(str(place / "run")):
        stage(place / "run", remove)
    assert not (place / "run" / "manifest.json").exists()


@fault(
    "a command writes its result to a full disk",
    "one line with path and free space, exit code 2; no half-written file",
)
def _(place: Path) -> None:
    question = {"question": "下列哪项？", "options": {"A": "一", "B": "二"}, "answer": "A"}
    (place / "exam.jsonl").write_text("".join(json.dumps(question | {"id": n}) + "\n" for n in range(200)))
    with small_disk(place / "disk", SIZE) as disk:
        fill(disk)
        line = told("exam", place / "exam.jsonl", "--out", disk / "report.jsonl")
        assert "no space is left on the disk" in line
        assert half_written(disk) == []


@fault(
    "the disk of the call cache is full",
    "replies that were paid for before stay; the reply that cannot be kept is no success",
)
def _(place: Path) -> None:
    def ask(n: int) -> ChatRequest:
        return ChatRequest("m", (("user", str(n)),), 0.0, 8)

    with small_disk(place / "disk", SIZE) as disk:
        cache = CallCache(disk / CACHE_FILE)
        cache.put(ask(0), ChatReply("first", 1, 1))
        fill(disk)
        with pytest.raises(sqlite3.OperationalError, match="full"):
            cache.put(ask(1), ChatReply("x" * 2**20, 1, 1))
        (disk / "ballast").unlink()
        cache.put(ask(1), ChatReply("second", 1, 1))
        assert [reply.text for n in (0, 1) if (reply := cache.get(ask(n)))] == ["first", "second"]
        cache.close()


# -- files ----------------------------------------------------------------------------------------------
@fault(
    "a parquet file of a run is cut, empty, of another program, lacks a column, or holds other or newer "
    "records",
    "one line with the file, what is wrong and how it is made anew",
)
def _(place: Path) -> None:
    store = RunStore(str(place))
    whole = Message.to_table([Message(role="user", content=TEXT)])
    store.write_table("synth/a.parquet", whole)
    file = place / "synth" / "a.parquet"
    data = file.read_bytes()
    spoilt: list[tuple[bytes, str]] = [(data[:-20], "damaged"), (b"", "damaged"), (b"PK\3\4" * 99, "damaged")]
    pq.write_table(whole.drop_columns(["content"]), file)
    spoilt.append((file.read_bytes(), "content: Field required"))
    for name, why in (("Question/1", "not Message"), ("Message/99", "install the one that wrote it")):
        pq.write_table(whole.replace_schema_metadata({"psyche_rl.record": name}), file)
        spoilt.append((file.read_bytes(), why))
    for content, why in spoilt:
        file.write_bytes(content)
        with one_line("a.parquet", why):
            store.read_records("synth/a.parquet", Message)


@fault(
    "manifest, config, events or curves of a run are damaged",
    "`status`, `watch` and the run end in one line with the file (and the line in it)",
)
def _(place: Path) -> None:
    stage(place, lambda store: store.write_text("config.yaml", "mini: {}\n"))
    running = Manifest(created="t", stages={"grpo": StageEntry(status="running", started="t")})
    running.save(RunStore(str(place)))
    whole = {
        "manifest.json": (place / "manifest.json").read_bytes(),
        "config.yaml": b"mini: {}\n",
        "events.jsonl": b"",
        "grpo/metrics.jsonl": b"",
    }
    (place / "grpo").mkdir()
    for name, spoilt, words in [
        ("manifest.json", whole["manifest.json"][:40], ("status",)),
        ("manifest.json", b"[" * 200_000, ("status",)),
        ("config.yaml", b"a: [1\n", ("status",)),
        ("config.yaml", b"- 1\n", ("status",)),
        ("events.jsonl", b'{"time": 7, "message": 1}\n', ("watch", "--once")),
        ("grpo/metrics.jsonl", b'{"step": 1}\n{"step": "x"}\n', ("watch", "--once")),
        ("grpo/metrics.jsonl", b"\0\0\0\n", ("watch", "--once")),
    ]:
        (place / name).write_bytes(spoilt)
        assert name in told(words[0], place, *words[1:])
        (place / name).write_bytes(whole[name])


@fault(
    "bits of the call cache flip, a page of it is lost, or it is of another program",
    "the file is set aside and never written to; the replies that can be read are used, the others asked "
    "again; a line counts them",
)
def _(place: Path) -> None:
    cache = CallCache(place / CACHE_FILE)
    asked = [ChatRequest("m", (("user", str(n)),), 0.0, 8) for n in range(400)]
    for request in asked:
        cache.put(request, ChatReply("答" * 200, 1, 1))
    cache.close()
    whole = (place / CACHE_FILE).read_bytes()
    for seed in range(20):
        data, places = bytearray(whole), random.Random(seed)
        if seed:
            for _ in range(seed * 5):
                data[places.randrange(len(data))] ^= 1 << places.randrange(8)
        else:
            data[4096 * 20 : 4096 * 21] = bytes(4096)
        (place / CACHE_FILE).write_bytes(data)
        cache = CallCache(place / CACHE_FILE)
        kept = [reply for request in asked if (reply := cache.get(request))]
        assert seed or (cache.damage and 300 < len(kept) < 400)
        cache.put(asked[0], ChatReply("again", 1, 1))
        cache.close()


@fault(
    "a safetensors header lies about its file", "one line with the file, before anything is allocated by it"
)
def _(place: Path) -> None:
    for lie in (b"\xff" * 8, (2**40).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"[]"):
        (place / "model.safetensors").write_bytes(lie)
        with one_line("model.safetensors", kind=ModelError):
            read_header(place / "model.safetensors")


# -- processes ------------------------------------------------------------------------------------------
STAGE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & and nohup would have them ignored
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from pathlib import Path
sys.path.insert(0, {here!r})
from fault_matrix import stage
def work(store):
    for n in range(10**9):
        store.write_json("synth/a.json", {{"n": n, "x": "x" * 10_000}})
        if n == 3:
            print("ready", flush=True)
from psyche_rl.stop import Stopped
try:
    stage(Path({folder!r}), work)
except Stopped as stopped:
    print(stopped, file=sys.stderr)
    sys.exit(stopped.exit_code)
"""


def started(folder: Path) -> subprocess.Popen[str]:
    program = STAGE.format(here=str(Path(__file__).parent), folder=str(folder))
    places = os.pathsep.join([CODE, str(Path(CODE, "tests", "fakes"))])
    process = subprocess.Popen(
        python("-c", program), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": places, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@fault(
    "SIGTERM, SIGHUP or SIGINT while a stage writes",
    "the manifest says `stopped` and by what; exit code 143, 129 or 130" + GOES_ON,
)
def _(place: Path) -> None:
    for number, code in ((signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)):
        process = started(place / str(code))
        process.send_signal(number)
        try:
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
        if number != signal.SIGINT:
            assert (process.returncode, entry_of(place / str(code)).status) == (code, "stopped"), said
        else:
            assert entry_of(place / str(code)).status in ("stopped", "failed")
        json.loads((place / str(code) / "synth" / "a.json").read_text())


@fault(
    "SIGKILL while a stage writes",
    "every file is the old or the new one; the next run takes the folder over and removes what was half "
    "written, once it is a minute old",
)
def _(place: Path) -> None:
    for _ in range(3):
        process = started(place / "run")
        process.kill()
        process.wait()
        json.loads((place / "run" / "synth" / "a.json").read_text())
    for file in (place / "run").rglob("*.tmp*"):
        os.utime(file, (0, 0))
    stage(place / "run", lambda store: None)
    assert (entry_of(place / "run").status, half_written(place)) == ("done", [])


@fault(
    "a second process writes to the run folder", "one line that names who holds it; the first is not touched"
)
def _(place: Path) -> None:
    process = started(place / "run")
    try:
        with one_line(str(process.pid)):
            stage(place / "run", lambda store: None)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


# -- servers and foreign files --------------------------------------------------------------------------
HOSTILE = {
    "html": ["html"],
    "deep": [(200, {}, json.loads("[" * 400 + "]" * 400))],
    "huge count": [
        (200, {}, {"choices": [{"message": {"content": "x"}}], "usage": {"completion_tokens": 10**30}})
    ],
    "no content": [(200, {}, {"choices": [{"message": {"content": None}}]})],
    "null": [(200, {}, None)],
    "surrogate": [(200, {}, {"choices": [{"message": {"content": "\ud83d"}}]})],
    "break": ["break"],
}


@fault(
    "an LLM server answers with HTML, deep or empty JSON, absurd or negative token counts or half "
    "characters, breaks off, or asks for a pause of thirty years",
    "each is a named failure of its own call, or a reply; a pause longer than a call may take ends the stage "
    "in one line that says when to come back",
)
def _(place: Path) -> None:
    pause = [(429, {"Retry-After": "1e9"}, {})]
    server = BadServer(pause=pause, **{name: acts * 9 for name, acts in HOSTILE.items()})

    async def all_calls() -> None:
        async with served(server, place, attempts=2, timeout_s=3, call_s=5) as (client, _):
            asked = [ChatRequest("m", (("user", name),), 0.0, 8) for name in HOSTILE]
            results = await asyncio.wait_for(client.complete_many(asked, "synth"), 60)
            assert all(isinstance(result, ChatReply | CallFailure) for result in results)
            with one_line("asks for a pause", "run again after", kind=TeacherError):
                await client.complete(ChatRequest("m", (("user", "pause"),), 0.0, 8))

    asyncio.run(all_calls())


@fault(
    "a document is a bomb (EPUB, gzip, deep HTML, JSON or YAML, YAML aliases) or hangs its parser",
    "the file is set aside with the bound that it passed; the others are read; parsers run in a process that "
    "is killed at its deadline or memory",
)
def _(place: Path) -> None:
    (place / "good.txt").write_text(TEXT, "utf-8")
    with gzip.open(place / "a.jsonl.gz", "wb") as file:
        for _ in range(300):
            file.write(b" " * 2**20)
    (place / "deep.html").write_bytes(b"<b>" * 200_000 + TEXT.encode())
    (place / "deep.json").write_bytes(b"[" * 200_000)
    aliases = (f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))
    (place / "laughs.yaml").write_text("\n".join(["- &a0 [x]", *aliases]))
    passages, bad = ingest_passages(str(place))
    assert {passage.source.rsplit("/", 1)[-1] for passage in passages} <= {"good.txt", "deep.html"}
    assert {row.source.rsplit("/", 1)[-1] for row in bad} >= {"a.jsonl.gz", "deep.json", "laughs.yaml"}


@fault(
    "text of data holds escape sequences (colours, links, the clipboard) or turns the reading order",
    "no command obeys it on a terminal: it is shown as `\\uXXXX`",
)
def _(place: Path) -> None:
    store = RunStore(str(place))
    Manifest(created="t", stages={"synth": StageEntry(status="failed", started="t", error=PLANTED)}).save(
        store
    )
    for words in (("status", place), ("status", place, "--json")):
        shown = CliRunner().invoke(app, [str(word) for word in words]).output
        assert "gnp.exe" in shown
        assert not steers(shown)


@fault(
    "a module such as `pydantic.py` lies in the working directory",
    "no process of ours imports it, unless `ray job submit --working-dir` brought it",
)
def _(place: Path) -> None:
    (place / "pydantic.py").write_text("open('was_run', 'w')\n")
    (place / "rows.jsonl").write_text(
        '{"response": "答案：A", "gold": "A", "options": ["a", "b"]}\n', "utf-8"
    )
    (place / "reward.yaml").write_text("reward: mcq_strict\n")
    done = subprocess.run(
        [sys.executable, "-m", "launch", "rewards", "score", "reward.yaml", "rows.jsonl"],
        cwd=place, env={**os.environ, "PYTHONPATH": CODE}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (place / "was_run").exists()
