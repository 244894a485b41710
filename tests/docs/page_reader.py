"""A reader who types the commands of a page into a shell, and tells what went otherwise than the page says.

Invariants: what a page sets or changes to (``export``, ``cd``) holds for the commands after it; every process
that it has begun is ended by its id.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from command_table import Walk
from shown_commands import ROOT, Shown

STARTS_S, ENDS_S = 120.0, 400.0


class PageReader:
    """Use it as a context: servers that were begun end with it."""

    def __init__(self, folder: Path, swaps: Mapping[str, str], places: Mapping[str, str]) -> None:
        self._folder, self._swaps, self._places = folder, swaps, places
        self._before = ""
        self._servers: list[subprocess.Popen[bytes]] = []
        self._env = {
            **os.environ, "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
            "COLUMNS": "200", "RAY_ADDRESS": "local", "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1",
            "HF_HUB_OFFLINE": "1",
        }  # fmt: skip

    def __enter__(self) -> PageReader:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            end(server)

    def typed(self, text: str, walk: Walk) -> str:
        """A command with what stands in for its words; long ones first, since they hold short ones."""
        swaps = {**self._swaps, **walk.swap}
        for word in sorted(swaps, key=len, reverse=True):
            text = text.replace(word, swaps[word])
        for word, place in self._places.items():
            text = text.replace(word, place)
        return text

    def read(self, shown: Shown, walk: Walk) -> list[str]:
        """Type a command; what went otherwise than the page says, nothing if all is well."""
        command = self.typed(shown.text, walk)
        if shown.text.startswith(("export ", "cd ")):
            self._before += f"{command} && "
            command = "true"
        log = self._folder / "said.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-c", self._before + command], cwd=self._folder, env=self._env,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        if walk.serves:
            self._servers.append(process)
            begun = has_said(walk.serves, log, process)
            code = 0 if begun else process.poll()
        else:
            try:
                code = process.wait(ENDS_S)
            except subprocess.TimeoutExpired:
                end(process)
                code = None
        wrong = differences(log.read_text("utf-8", "replace"), code, shown, walk)
        return [f"{shown}", f"typed: {command}", *wrong] if wrong else []


def differences(said: str, code: int | None, shown: Shown, walk: Walk) -> list[str]:
    """Between what a page says of a command and what came of it; last what was said, if there are any."""
    folded = " ".join(said.split())
    wrong = [f"ended with {code}, not {walk.exit}"] if code != walk.exit else []
    wrong += ["a traceback"] if "Traceback" in said else []
    wrong += [f"does not print {each!r}" for each in walk.says if each not in folded]
    if walk.as_shown and tidy(said) != tidy("\n".join(shown.output)):
        wrong.append("prints other lines than the page")
    return [*wrong, f"printed: {said[-4000:]}"] if wrong else []


def tidy(text: str) -> list[str]:
    """Lines without what stands empty at their ends."""
    return [line.rstrip() for line in text.strip().splitlines()]


def has_said(words: str, log: Path, process: subprocess.Popen[bytes]) -> bool:
    """Wait for a server to say that it has begun."""
    deadline = time.monotonic() + STARTS_S
    while time.monotonic() < deadline and process.poll() is None:
        if words in log.read_text("utf-8", "replace"):
            return True
        time.sleep(0.1)
    return False


def end(process: subprocess.Popen[bytes]) -> None:
    """A process and what it has begun: they are a group of their own."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
            return
