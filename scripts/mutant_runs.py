"""A warm process that runs the nearest tests on one mutant after the other, in its own copy of the tree.

Role: ``python mutant_runs.py COPY`` reads jobs from stdin, one JSON object a line, and answers each so.
Collaborators: ``mutate`` makes the copy and sends the jobs.
Invariants:
- The libraries are imported once, here; each job is a fork, in which the package under test is imported anew.
- A job that takes too long is killed with all that it started, and counts as killed by the tests.
- The module is as it was when a job has ended.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import select
import signal
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

OURS = ("rewards", "psyche_rl", "actors", "data_pipeline", "launch")
SURVEY = ("-q", "--no-header", "-p", "no:cacheprovider", "--hypothesis-profile=mutants", "-W", "ignore")
PYTEST = ("-x", *SURVEY)


class Lines:
    """A pytest plugin: which tests reach which lines of the sources, and how long each test takes."""

    def __init__(self, root: Path, sources: set[str]) -> None:
        self._names = {str(root / source): source for source in sources}
        self._hits: set[tuple[str, int]] = set()
        self.tests: dict[str, dict[str, Any]] = {}
        self.imported: list[str] = []
        self.failed: list[str] = []

    def _call(self, frame: Any, _event: str, _argument: Any) -> Any:
        name = self._names.get(frame.f_code.co_filename)
        if name is None or not frame.f_code.co_flags & inspect.CO_OPTIMIZED:
            return None  # the bodies of modules and classes run for whoever imports them first
        self._hits.add((name, frame.f_lineno))

        def step(frame: Any, _event: str, _argument: Any) -> Any:
            self._hits.add((name, frame.f_lineno))
            return step

        return step

    def pytest_collection_finish(self) -> None:
        for source in self._names.values():
            importlib.import_module(source.removesuffix(".py").removesuffix("/__init__").replace("/", "."))

    def pytest_runtest_protocol(self) -> None:
        self._hits = set()
        self._started = time.perf_counter()
        threading.settrace(self._call)
        sys.settrace(self._call)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        reached = defaultdict(list)
        for name, line in sorted(self._hits):
            reached[name].append(line)
        self.tests[nodeid] = {"seconds": time.perf_counter() - self._started, "lines": reached}


class Chosen:
    """A pytest plugin: only these tests, in this order, each ended after its limit in seconds."""

    def __init__(self, limits: dict[str, float]) -> None:
        self._place = {name: place for place, name in enumerate(limits)}
        self._limits = limits
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if item.nodeid in self._place]
        items.sort(key=lambda item: self._place[item.nodeid])
        for item in items:
            item.add_marker(pytest.mark.timeout(self._limits[item.nodeid]))

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def in_fork(work: Any, limit_s: float) -> dict[str, Any] | None:
    """``work()`` in a forked process of its own session; None where it did not end in time."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(reads)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(2, 1)  # what pytest prints goes to the worker's log
        code = 1
        try:
            with os.fdopen(writes, "w") as out:
                json.dump(work(), out)
            code = 0
        finally:
            os._exit(code)
    os.close(writes)
    parts, deadline = [], time.monotonic() + limit_s
    while (left := deadline - time.monotonic()) > 0:
        if select.select([reads], [], [], left)[0]:
            part = os.read(reads, 1 << 16)
            if not part:
                break
            parts.append(part)
    else:
        parts = []
    os.close(reads)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return json.loads(b"".join(parts)) if parts else None


def survey(root: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Run all tests of a folder on the sources as they are; see ``Lines``.

    What fails is run once more without the tracing, which is too slow for tests that bound processor time.
    """
    lines = Lines(root, set(job["sources"]))
    before = set(sys.modules)
    code = pytest.main([*SURVEY, *job["tests"]], plugins=[lines])
    if lines.failed:
        code = pytest.main([*SURVEY, *lines.failed])
    tests = str(root) + os.sep
    imported = [
        name for name, module in sys.modules.items()
        if name not in before and not str(getattr(module, "__file__", None) or tests).startswith(tests)
    ]  # fmt: skip
    return {"code": int(code), "tests": lines.tests, "imported": imported}


def judge(job: dict[str, Any]) -> dict[str, Any]:
    """Run the chosen tests until one fails."""
    chosen = Chosen(job["limits"])
    code = pytest.main([*PYTEST, *job["files"]], plugins=[chosen])
    return {"code": int(code), "by": chosen.failed}


def warm(names: list[str]) -> None:
    """Import what the tests were seen to import, as far as it can be imported by itself."""
    for name in names:
        if name.split(".")[0] not in OURS:
            try:
                importlib.import_module(name)
            except BaseException:
                continue


def answer(root: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Do one job; the module under test is put back whatever happens."""
    if job["do"] == "warm":
        warm(job["names"])
        return {}
    if job["do"] == "survey":
        return in_fork(lambda: survey(root, job), job["limit_s"]) or {"code": -1, "tests": {}, "imported": []}
    path = root / job["file"]
    plain = path.read_text("utf-8")
    started = time.perf_counter()
    try:
        path.write_text(job["source"], "utf-8")
        found = in_fork(lambda: judge(job), job["limit_s"]) or {
            "code": -1,
            "by": "out of time, or the process died",
        }
    finally:
        path.write_text(plain, "utf-8")
    return {**found, "seconds": round(time.perf_counter() - started, 2)}


def main() -> None:
    root = Path(sys.argv[1]).resolve()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.chdir(root)
    sys.path[:0] = [str(root)]
    tempfile.tempdir = str(root.parent / f"{root.name}-tmp")
    Path(tempfile.tempdir).mkdir(exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir
    for line in sys.stdin:
        answers.write(json.dumps(answer(root, json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
