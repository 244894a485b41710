"""When a scoring process is late: its deadline, the grace of judges, and a machine that starves it."""

from __future__ import annotations

import pytest

from actors.scoring.call_queue import Item
from actors.scoring.worker_load import CpuUse, Deadline, WorkerLoad

DEADLINE = Deadline(10.0)
ASLEEP, RUNS = CpuUse(5.0, runnable=False), CpuUse(5.0, runnable=True)


def busy(**more) -> WorkerLoad:
    return WorkerLoad(since=100.0, open={Item(1, 0): None}, **more)


@pytest.mark.parametrize(
    ("deadline", "now", "late"),
    [
        (DEADLINE, 110.0, False),
        (DEADLINE, 110.1, True),
        (Deadline(10.0, concurrent=True), 111.9, False),
        (Deadline(10.0, concurrent=True), 112.1, True),
    ],
)
def test_a_worker_is_late_after_its_deadline_and_a_judge_s_after_a_grace(deadline, now, late):
    assert busy().late(now, deadline, ASLEEP) is late


def test_without_work_or_on_its_way_out_it_is_not_late():
    assert not WorkerLoad(since=0.0).late(1e6, DEADLINE, ASLEEP)
    leaving = busy(ended_for=Item(1, 0))
    assert not leaving.late(1e6, DEADLINE, ASLEEP)
    assert not leaving.needs_measure(1e6, DEADLINE)


def test_it_is_measured_once_when_it_stalls_and_again_when_it_is_late():
    worker = busy()
    assert not worker.needs_measure(100.9, DEADLINE)
    assert worker.needs_measure(101.1, DEADLINE)
    assert not worker.late(101.1, DEADLINE, RUNS)
    assert not worker.needs_measure(105.0, DEADLINE)
    assert worker.needs_measure(110.1, DEADLINE)


@pytest.mark.parametrize(
    ("use", "now", "late"),
    [
        (CpuUse(9.9, runnable=True), 110.1, False),  # 4.9 s of the 10 s it was given
        (CpuUse(10.0, runnable=True), 110.1, True),  # 5 s: it had its share
        (CpuUse(9.9, runnable=False), 110.1, True),  # it does not want to run
        (CpuUse(9.9, runnable=True), 140.0, False),
        (CpuUse(9.9, runnable=True), 140.1, True),  # four deadlines are enough for anybody
    ],
)
def test_a_worker_that_the_machine_starves_has_up_to_four_deadlines(use, now, late):
    worker = busy()
    worker.late(101.1, DEADLINE, RUNS)
    assert worker.late(now, DEADLINE, use) is late


def test_a_measure_of_the_sample_before_does_not_count():
    worker = busy()
    worker.late(101.1, DEADLINE, RUNS)
    worker.since = 102.0  # that sample was scored, the next one begun
    assert worker.late(112.1, DEADLINE, None)
