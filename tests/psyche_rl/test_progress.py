"""Progress lines against a fake clock, and the bar on a pretended terminal."""

import io
import json
import threading

from psyche_rl.events import Events
from psyche_rl.progress import Awaited, Progress, awaiting
from psyche_rl.store import RunStore


class FakeClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_says_a_line_every_five_seconds_with_rate_and_time_left():
    clock, out = FakeClock(), io.StringIO()
    progress = Progress(out, 400, "selector qwen2", "questions", clock)
    for _ in range(12):
        clock.now += 1.0
        progress.advance(10)
    assert out.getvalue().splitlines() == [
        "selector qwen2  done=50/400 questions  rate=10/s  left=35 s",
        "selector qwen2  done=100/400 questions  rate=10/s  left=30 s",
    ]


def test_a_slow_start_is_not_the_pace_and_the_end_has_no_time_left():
    clock, out = FakeClock(), io.StringIO()
    with Progress(out, 100, "teacher", "calls", clock) as progress:
        clock.now += 60.0
        progress.advance(4)
        clock.now += 20.0
        progress.advance(8)
        clock.now += 2.0
        progress.advance(88)
    assert out.getvalue().splitlines() == [
        "teacher  done=4/100 calls",
        "teacher  done=12/100 calls  rate=0.4/s  left=3 min 40 s",
        "teacher  done=100/100 calls  rate=4.36/s",
    ]


def test_nothing_done_yet_gives_no_rate_and_no_division_by_zero():
    clock, out = FakeClock(), io.StringIO()
    Progress(out, 5, "teacher", "calls", clock).close()
    assert out.getvalue() == "teacher  done=0/5 calls\n"


def test_updates_set_the_count_show_figures_and_rate_a_resumed_loop_by_its_new_work():
    clock, out = FakeClock(), io.StringIO()
    progress = Progress(out, 100, "grpo", "steps", clock)
    clock.now += 2.0
    progress.update(40, reward=0.5)
    for step in range(41, 44):
        clock.now += 2.0
        progress.update(step, reward=0.123456)
    assert out.getvalue() == "grpo  done=42/100 steps  rate=0.5/s  left=1 min 56 s  reward=0.1235\n"


def test_through_events_the_lines_reach_the_run_folder(tmp_path):
    store, clock = RunStore(str(tmp_path)), FakeClock()
    with Progress(Events(store, io.StringIO()), 2, "teacher", "calls", clock) as progress:
        clock.now += 10.0
        progress.advance(2)
    rows = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text("utf-8").splitlines()]
    assert rows[-1]["message"] == "teacher"
    assert rows[-1]["done"] == "2/2 calls"


def test_a_terminal_gets_a_bar():
    out = Terminal()
    with Progress(out, 3, "selector", "questions") as progress:
        progress.advance(2)
        progress.update(3, reward=0.5)
    assert "reward=0.5" in out.getvalue()
    assert "3/3" in out.getvalue()
    assert "done=" not in out.getvalue()


def test_a_wait_says_what_is_not_there_after_ten_seconds_of_silence(tmp_path, monkeypatch):
    clock, said = FakeClock(), []
    events = Events(RunStore(str(tmp_path)), io.StringIO())
    monkeypatch.setattr(events, "say", lambda message, **more: said.append((message, more)))
    monkeypatch.setattr(Events, "silent_s", property(lambda _: silent[0]))
    silent = [3.0]
    awaited = Awaited(events, "grpo: actors", lambda: {"engines": "1 of 2"}, clock)
    assert awaited.look() == 7.0
    assert said == []
    silent[0], clock.now = 10.0, 112.4
    assert awaited.look() == 10.0
    assert said == [("grpo: actors: waiting", {"engines": "1 of 2", "waited": "12 s"})]


def test_a_wait_knows_its_own_lines_from_those_of_others(tmp_path, monkeypatch):
    events = Events(RunStore(str(tmp_path)), io.StringIO())
    awaited = Awaited(events, "grpo: libraries", dict)
    monkeypatch.setattr(Events, "silent_s", property(lambda _: 60.0))
    awaited.look()
    assert events.lines == 1
    assert not awaited.others_spoke
    events.say("grpo: starting actors")
    assert awaited.others_spoke
    awaited.look()
    assert awaited.others_spoke


def test_within_a_wait_each_silence_is_told_and_after_it_none(tmp_path, monkeypatch):
    monkeypatch.setattr(Events, "silent_s", property(lambda _: 60.0))
    events, told = Events(RunStore(str(tmp_path)), io.StringIO()), threading.Event()
    monkeypatch.setattr(events, "say", lambda *_, **__: told.set())
    with awaiting(events, "grpo: first of 9 steps") as begun:
        assert told.wait(60)
        begun()
    told.clear()
    assert "awaiting" not in {thread.name for thread in threading.enumerate()}
    assert not told.is_set()
