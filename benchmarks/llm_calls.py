"""How close do LLM calls come to the time that they must take? And what does a kill repeat?

    python benchmarks/llm_calls.py [--calls 1024] [--in-flight 64] [--latency-ms 200] [--rounds 3]

A local server answers every call after ``latency-ms``. The ideal span is that of full rounds, calls /
in-flight x latency; each client's figure is ideal span over its own. Ours is the whole path that a stage
takes: a block's call to the client actor through Ray, cache and call log on disk. Beside it, with the same
number in flight: raw aiohttp and raw httpx (no retries, no cache, no log), and datatrove and Data
Designer if they are installed. The clients run in turn, the median of the rounds counts.

Then a client process is killed with SIGKILL half-way and the calls are made again: repeated are those that
had returned (were answered and handed on) before the kill and reach the server again.

Goals: 0.95 of the ideal, 0 repeated; exit 1 if one is missed. Writes benchmarks/results/llm_calls.json.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import math
import os
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO, cast

from house import ROOT

# isort: split

from machine import describe_machine

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallCache, ChatClient, ChatReply, ChatRequest

RESULTS = ROOT / "benchmarks" / "results" / "llm_calls.json"
GOAL = 0.95
OTHERS = {"datatrove": "datatrove", "Data Designer": "data_designer"}


def main() -> int:
    """Measure, write, print; the exit code tells of the goals."""
    args = arguments()
    if args.role:
        ROLES[args.role](args)
        return 0
    for name, module in OTHERS.items():
        if importlib.util.find_spec(module) is None:
            print(f"{name} skipped: not installed")
        else:
            print(f"{name} {version(module)} skipped: there is no adapter to it here yet")
    ideal = math.ceil(args.calls / args.in_flight) * args.latency_ms / 1000
    spans = measured(args)
    kill = killed(args)
    ratios = {name: round(ideal / statistics.median(found), 4) for name, found in spans.items()}
    write(args, ideal, spans, ratios, kill)
    for name, ratio in ratios.items():
        print(f"{name:12s} {statistics.median(spans[name]):6.3f} s   {ratio:.3f} of the ideal {ideal:g} s")
    fast, safe = ratios["psyche-rl"] >= GOAL, kill["repeated"] == 0
    print(f"{'ok  ' if fast else 'MISS'} ideal over ours: {ratios['psyche-rl']:.3f} (goal {GOAL})")
    print(
        f"{'ok  ' if safe else 'MISS'} after SIGKILL: {kill['repeated']} of {kill['returned']} calls that "
        f"had come back were sent again (goal 0); so were the {kill['in_flight']} that were in flight"
    )
    return 0 if fast and safe else 1


def arguments() -> argparse.Namespace:
    """The command line; ``--role`` is for the processes that this one starts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1024)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--latency-ms", type=float, default=200.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--role", choices=list(ROLES), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    return parser.parse_args()


# -- speed -------------------------------------------------------------------------------------
def measured(args: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of every round of every client."""
    from actors.cluster import connect

    os.environ.setdefault("RAY_ADDRESS", "local")
    connect()
    clients: dict[str, Callable[[str, list[ChatRequest], int], float]] = {
        "psyche-rl": ours,
        "aiohttp": lambda *rest: asyncio.run(raw_aiohttp(*rest)),
        "httpx": lambda *rest: asyncio.run(raw_httpx(*rest)),
    }
    spans: dict[str, list[float]] = {name: [] for name in clients}
    with server(args.latency_ms) as (url, _):
        for client in clients.values():  # warm up
            client(url, requests("warm", args.in_flight), args.in_flight)
        for round_ in range(args.rounds):
            for name, client in clients.items():
                asked = requests(f"{name} {round_}", args.calls)
                spans[name].append(round(client(url, asked, args.in_flight), 4))
    return spans


def requests(name: str, count: int) -> list[ChatRequest]:
    """Calls as a stage makes them: a prompt of a few hundred characters."""
    text = "请根据材料命制一道单项选择题，给出题干、四个选项和答案。" * 12
    return [ChatRequest("m", (("user", f"{name} {i} {text}"),), 0.7, 512) for i in range(count)]


def ours(url: str, asked: list[ChatRequest], in_flight: int) -> float:
    """One round through the client actor, with an empty cache."""
    from actors.llm.client import start_llm

    with tempfile.TemporaryDirectory() as folder:
        llm = start_llm(TeacherConfig(base_url=url, max_in_flight=in_flight), folder)
        try:
            begun = time.perf_counter()
            results = llm.complete(asked, "benchmark")
            took = time.perf_counter() - begun
        finally:
            llm.close()
    if not all(isinstance(result, ChatReply) for result in results):
        raise SystemExit("calls failed: is the machine overloaded?")
    return took


async def raw_aiohttp(url: str, asked: list[ChatRequest], in_flight: int) -> float:
    """The least that aiohttp can do."""
    import aiohttp

    places = asyncio.Semaphore(in_flight)
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one(request: ChatRequest) -> str:
            async with places, session.post(f"{url}/chat/completions", json=request.payload()) as response:
                body = await response.json()
                return str(body["choices"][0]["message"]["content"])

        begun = time.perf_counter()
        await asyncio.gather(*(one(request) for request in asked))
        return time.perf_counter() - begun


async def raw_httpx(url: str, asked: list[ChatRequest], in_flight: int) -> float:
    """The least that httpx can do."""
    import httpx

    places = asyncio.Semaphore(in_flight)
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as session:

        async def one(request: ChatRequest) -> str:
            async with places:
                response = await session.post(f"{url}/chat/completions", json=request.payload())
                return str(response.json()["choices"][0]["message"]["content"])

        begun = time.perf_counter()
        await asyncio.gather(*(one(request) for request in asked))
        return time.perf_counter() - begun


# -- a kill ------------------------------------------------------------------------------------
def killed(args: argparse.Namespace) -> dict[str, int]:
    """Make the calls, kill the client half-way, make them again; count what reached the server twice."""
    with server(args.latency_ms) as (url, log), tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "calls.sqlite")
        command = [sys.executable, __file__, "--role", "client", "--url", url, "--path", str(path)]
        command += ["--calls", str(args.calls), "--in-flight", str(args.in_flight)]
        with subprocess.Popen(command) as client:
            while answered(path) < args.calls // 2:
                if client.poll() is not None:
                    raise SystemExit("the client ended before it could be killed")
                time.sleep(0.01)
            client.send_signal(signal.SIGKILL)
        time.sleep(2 * args.latency_ms / 1000)  # what was in flight reaches its end at the server
        returned, sent = kept(path), log.read_text("utf-8").split()
        subprocess.run(command, check=True)
        again = log.read_text("utf-8").split()[len(sent) :]
        whole = answered(path)
    if whole != args.calls:
        raise SystemExit(f"{whole} of {args.calls} calls have an answer in the end")
    return {
        "returned": len(returned),
        "repeated": len(returned & set(again)),
        "in_flight": len(set(sent) - returned),
    }


def kept(path: Path) -> set[str]:
    """sha256 of the body of every call whose reply is in the cache."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return {sha256(body).hexdigest() for (body,) in db.execute("SELECT request FROM calls")}


def answered(path: Path) -> int:
    """Calls whose reply is in the cache so far."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT COUNT(*) FROM calls").fetchone()[0])
    except sqlite3.OperationalError:  # it is not there yet
        return 0


def be_client(args: argparse.Namespace) -> None:
    """The process that is killed: all calls, once."""

    async def work() -> None:
        config = TeacherConfig(base_url=args.url, max_in_flight=args.in_flight)
        client = ChatClient(config, CallCache(args.path))
        await client.complete_many(requests("kill", args.calls))
        await client.close()

    asyncio.run(work())


# -- the server --------------------------------------------------------------------------------
@contextlib.contextmanager
def server(latency_ms: float) -> Iterator[tuple[str, Path]]:
    """A server in a process of its own: its address, and the file that gets each request's sha256."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "requests")
        log.touch()
        command = [sys.executable, __file__, "--role", "server", "--latency-ms", str(latency_ms)]
        with subprocess.Popen(
            [*command, "--path", str(log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                yield process.stdout.readline().strip(), log
            finally:
                process.stdin.close()  # which is what it waits for


class StandIn(asyncio.Protocol):
    """Answers each request ``latency_s`` after it came, at next to no cost of its own.

    With a web framework in its place, the time that 64 requests at once take it would count as the clients'.
    """

    def __init__(self, response: bytes, latency_s: float, log: TextIO) -> None:
        self._response, self._latency_s, self._log = response, latency_s, log
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while True:
            head, blank, rest = self._received.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            if not blank or length is None or len(rest) < int(length[1]):
                return
            body, self._received = rest[: int(length[1])], rest[int(length[1]) :]
            self._log.write(sha256(body).hexdigest() + "\n")
            asyncio.get_running_loop().call_later(self._latency_s, self._transport.write, self._response)


def be_server(args: argparse.Namespace) -> None:
    """Answer until stdin closes."""
    message = {"message": {"role": "assistant", "content": "好" * 200}}
    tokens = {"prompt_tokens": 300, "completion_tokens": 200}
    body = json.dumps({"choices": [message], "usage": tokens}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"

    async def work() -> None:
        with open(args.path, "a", encoding="ascii", buffering=1) as log:
            loop = asyncio.get_running_loop()
            server = await loop.create_server(
                lambda: StandIn(head.encode() + body, args.latency_ms / 1000, log), "127.0.0.1", 0
            )
            print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
            await loop.run_in_executor(None, sys.stdin.read)
            server.close()

    asyncio.run(work())


ROLES = {"client": be_client, "server": be_server}


def write(
    args: argparse.Namespace,
    ideal: float,
    spans: dict[str, list[float]],
    ratios: dict[str, float],
    kill: dict[str, int],
) -> None:
    """Put the figures into the results file; what other parts wrote there stays."""
    whole: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    whole["calls"] = {
        "machine": describe_machine(),
        "clients": {name: version(name) for name in ("aiohttp", "httpx")},
        "calls": args.calls, "in_flight": args.in_flight, "latency_ms": args.latency_ms,
        "goal": GOAL, "ideal_s": ideal, "seconds": spans, "ideal_over_measured": ratios, "kill": kill,
    }  # fmt: skip
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
