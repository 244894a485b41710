"""SIGTERM and SIGHUP, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import signal, sys, time, threading
from launch.signals import CleanEnd
from psyche_rl.stop import Stopped, StopRequest

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup the tests inherit a hang up that is ignored

def say(*words):
    print(*words, flush=True)

def loop(stop, step_s):
    with stop.heeding():
        say("ready")
        for step in range(1000):
            if stop.requested:
                say("saved", step)
                raise stop.leave("after a step")
            time.sleep(step_s)

stop = StopRequest()
ends = CleanEnd(stop, grace_s={grace}, last_words=lambda: say("last words"), cleanup_s={cleanup})
try:
    with ends:
        {body}
except KeyboardInterrupt as error:
    say(type(error).__name__, stop.reason)
    sys.exit(ends.exit_code)
"""
LOOP = "loop(stop, 0.05)"
LONG_STEP = """
        with stop.heeding():
            say("ready"); time.sleep(60)
"""
NO_LOOP = "say('ready'); time.sleep(60)"
CLEANS_UP = """
        try:
            say("ready"); time.sleep(60)
        except KeyboardInterrupt:
            signal.raise_signal(signal.SIGTERM); say("cleaned")
            raise
"""
LEAVES = """
        with stop.heeding():
            say("ready")
            while not stop.requested:
                time.sleep(0.01)
            left = stop.leave("after a step")
        signal.raise_signal(signal.SIGTERM); say("cleaned")
        raise left
"""
HANGS = """
        try:
            say("ready"); time.sleep(60)
        finally:
            threading.Event().wait(60)
"""


def ended(body: str, *signals: int, grace: float = 30, cleanup: float = 60) -> tuple[int, list[str]]:
    """Exit code and what was said after "ready"."""
    program = PROGRAM.format(body=body, grace=grace, cleanup=cleanup)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    for number in signals:
        process.send_signal(number)
    said, _ = process.communicate(timeout=50)
    return process.returncode, said.splitlines()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_loop_is_left_to_save(number, code):
    (first, second), last = ended(LOOP, number), signal.Signals(number).name
    assert first == code
    assert second[0].startswith("saved ")
    assert second[1] == f"Stopped {last}"


def test_a_second_signal_does_not_cut_what_is_being_saved():
    code, said = ended(LOOP, signal.SIGTERM, signal.SIGTERM)
    assert code == 143
    assert said[0].startswith("saved ")


@pytest.mark.parametrize(("body", "end"), [(CLEANS_UP, "KeyboardInterrupt"), (LEAVES, "Stopped")])
def test_a_second_signal_does_not_interrupt_the_cleaning_up(body, end):
    assert ended(body, signal.SIGTERM) == (143, ["cleaned", f"{end} SIGTERM"])


def test_a_step_that_outlasts_the_grace_is_cut():
    assert ended(LONG_STEP, signal.SIGTERM, grace=0.3) == (143, ["KeyboardInterrupt SIGTERM"])


def test_what_heeds_nothing_is_interrupted_at_once():
    assert ended(NO_LOOP, signal.SIGTERM) == (143, ["KeyboardInterrupt SIGTERM"])


def test_a_clean_up_that_hangs_has_its_last_words():
    assert ended(HANGS, signal.SIGTERM, cleanup=0.2) == (143, ["last words"])


def test_a_hang_up_that_is_ignored_stays_so():
    ignoring = "pass"
    program = PROGRAM.format(body=ignoring, grace=1, cleanup=60).replace(
        "stop = StopRequest()", "signal.signal(signal.SIGHUP, signal.SIG_IGN); stop = StopRequest()"
    ).replace("        pass", "        signal.raise_signal(signal.SIGHUP); say('goes on')")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=50, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "goes on\n")


def test_the_handlers_of_before_come_back():
    from launch.signals import CleanEnd
    from psyche_rl.stop import StopRequest

    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    with CleanEnd(StopRequest(), 1.0):
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before
