"""Synthesis is killed at ten random moments: no call that had returned is paid for again.

The witness is the teacher's own log. A call *had returned* at a kill if its good reply (200, no fault) had
been written to the socket at least ``GRACE_S`` before; what was still on its way may be asked again, and
that is never more than can be in flight. A tenth of the calls meets a fault, so that retries are
killed as well.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from killable_run import KillableRun, remains, scripted_teacher, teacher_log

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(2400)]

KILLS, IN_FLIGHT, GRACE_S = 10, 4, 1.0
SETTINGS = (
    "tests/e2e/tiny.yaml", "mini=null", "synth.single_per_passage=6", "synth.multiple_per_passage=6",
    f"teacher.max_in_flight={IN_FLIGHT}",
)  # fmt: skip
FAULTS = (
    "--faults", 0.1, "--retry-after-s", 0.2, "--fault-kinds",
    "rate_limited,rate_limited_bare,server_error,closed,cut_json,malformed_json,html_200,html_502,wrong_fields,empty",
)  # fmt: skip
RECORDS = ("passages", "questions", "rationales", "dialogues")


@dataclass(frozen=True)
class Kill:
    """``time`` is just before the signal; ``lines`` of the teacher's log stood when all had ended."""

    time: float
    lines: int
    status: str
    survivors: list[str]


@dataclass(frozen=True)
class Story:
    """Both run folders, the kills, and all that the teacher noted of the killed run."""

    whole: Path
    killed: Path
    kills: list[Kill]
    log: list[dict[str, Any]]

    def asked(self, attempt: int) -> set[str]:
        """Digests of the requests of the ``attempt``-th (from 0) attempt at the run."""
        edges = [0, *(kill.lines for kill in self.kills), len(self.log)]
        lines = self.log[edges[attempt] : edges[attempt + 1]]
        return {line["digest"] for line in lines if line["event"] == "received"}

    def returned(self, kill: Kill) -> set[str]:
        """Digests of the calls that had returned at a kill."""
        before = [line for line in self.log[: kill.lines] if line["time"] <= kill.time - GRACE_S]
        return {line["digest"] for line in before if line["status"] == 200 and not line["fault"]}


class Moment:
    """Ready once the teacher has noted a random number of new lines (two a call), and a random time more."""

    def __init__(self, log: Path, rng: random.Random) -> None:
        self._log, self._wanted, self._delay_s = log, len(teacher_log(log)) + rng.randint(0, 60), rng.random()
        self._due = float("inf")

    def __call__(self) -> bool:
        if self._due == float("inf") and len(teacher_log(self._log)) >= self._wanted:
            self._due = time.monotonic() + self._delay_s
        self.time = time.time()
        return time.monotonic() >= self._due


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Story:
    base = tmp_path_factory.mktemp("kills")
    whole, killed, log = base / "whole", base / "killed", base / "calls.jsonl"
    with scripted_teacher(base / "whole_calls.jsonl", 0, *FAULTS) as url:
        arguments = (*SETTINGS, f"run_dir={whole}", f"teacher.base_url={url}")
        KillableRun(base / "whole.log", *arguments, verb="synth").finish(900)
    rng, kills = random.Random(5), []
    with scripted_teacher(log, 100, *FAULTS) as url:
        arguments = (*SETTINGS, f"run_dir={killed}", f"teacher.base_url={url}")
        for number in range(KILLS):
            moment = Moment(log, rng)
            survivors = KillableRun(base / f"{number}.log", *arguments, verb="synth").kill_when(moment)
            status = synth_status(killed)
            kills.append(Kill(moment.time, len(teacher_log(log)), status, survivors))
        KillableRun(base / "end.log", *arguments, verb="synth").finish(900)
    return Story(whole, killed, kills, teacher_log(log))


def synth_status(run: Path) -> str:
    """What the manifest says of the stage; an attempt may be killed before there is one."""
    if not (run / "manifest.json").exists():
        return "pending"
    return remains(run).stages.get("synth", {"status": "pending"})["status"]


def test_the_kills_came_in_the_middle(story):
    assert len(story.kills) == KILLS
    assert {kill.status for kill in story.kills} <= {"running", "pending"}
    assert [kill.survivors for kill in story.kills] == [[]] * KILLS
    new = [story.asked(attempt) for attempt in range(KILLS + 1)]
    assert sum(bool(digests) for digests in new[:-1]) >= KILLS * 0.7
    assert len(story.returned(story.kills[-1])) >= 50
    assert new[-1] - story.returned(story.kills[-1])
    assert sum(line["fault"] is not None for line in story.log) >= 10


def test_no_call_that_had_returned_is_asked_again(story):
    for kill in story.kills:
        after = {line["digest"] for line in story.log[kill.lines :] if line["event"] == "received"}
        assert not story.returned(kill) & after


def test_a_kill_costs_no_more_calls_than_were_in_flight(story):
    attempts = Counter(digest for attempt in range(KILLS + 1) for digest in story.asked(attempt))
    repeated = sum(times - 1 for times in attempts.values())
    assert repeated <= KILLS * IN_FLIGHT
    # Beyond that the good replies that went out are as many as there were questions to ask.
    good = Counter(line["digest"] for line in story.log if line["status"] == 200 and not line["fault"])
    assert good.total() - len(good) <= repeated
    assert set(good) == set(attempts)


def test_the_records_are_those_of_a_run_that_was_left_alone(story):
    for name in RECORDS:
        file = f"synth/{name}.parquet"
        killed, whole = pq.read_table(story.killed / file), pq.read_table(story.whole / file)
        assert killed.num_rows
        assert killed == whole, name
