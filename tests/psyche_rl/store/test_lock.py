"""One writer per run folder: judged with invented holders, and held against real processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from keyed_files import keyed_url

from psyche_rl.errors import RunFolderError
from psyche_rl.store import RunStore
from psyche_rl.store.lock import LOCK, RunLock, holder_of
from psyche_rl.store.lock_holder import BEAT_S, MISSED, Holder, state, this_process

NOW = 1_800_000_000.0
ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["local", "keyed"])
def store(request, tmp_path) -> RunStore:
    return RunStore(str(tmp_path / "run") if request.param == "local" else keyed_url())


def lock_of(store: RunStore, **changes) -> RunLock:
    """A lock whose waits are none and whose thread hardly beats by itself."""
    return RunLock(store, **{"sleep": lambda _: None, "clock": lambda: NOW, "beat_s": 1000.0, **changes})


def elsewhere(**changes) -> Holder:
    return this_process(NOW).model_copy(update={"host": "node7", "space": "node7 boot pid", **changes})


def put(store: RunStore, holder: Holder) -> None:
    store.write_text(LOCK, holder.model_dump_json())


def test_a_second_holder_is_refused_in_one_line_until_the_first_gives_it_back(store):
    first, second = lock_of(store), lock_of(store, clock=lambda: NOW + 3)
    assert first.acquire() is None
    with pytest.raises(RunFolderError) as refused:
        second.acquire()
    line = str(refused.value)
    assert re.search(
        rf"in use by pid {os.getpid()} on \S+ since 2027-01-15T08:00:00\+00:00, last heartbeat 3 s ago", line
    )
    assert "--steal-lock" in line
    first.check()
    assert store.exists("run.lock")  # the name that docs and older versions know
    first.release()
    assert not store.exists(LOCK)
    assert second.acquire() is None
    second.release()


def test_a_folder_that_was_made_for_the_lock_alone_goes_with_it(tmp_path):
    lock = lock_of(RunStore(str(tmp_path / "new")))
    lock.acquire()
    lock.release()
    assert not (tmp_path / "new").exists()


def test_a_pid_that_is_another_process_by_now_holds_nothing(store):
    mine = this_process(NOW)
    assert state(mine, NOW + 1e6) == "alive"  # asked, not judged by its heartbeat
    reused = mine.model_copy(update={"started": mine.started - 60})
    assert state(reused, NOW) == "dead"
    put(store, reused)
    lock = lock_of(store)
    assert lock.acquire() == reused
    lock.release()


def test_a_zombie_holds_nothing():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        started = psutil.Process(child.pid).create_time()
        holder = this_process(NOW).model_copy(update={"pid": child.pid, "started": started})
        assert state(holder, NOW) == "alive"
        child.kill()
        deadline = time.monotonic() + 20
        while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
            time.sleep(0.01)
        assert state(holder, NOW) == "dead"
    assert state(holder, NOW) == "dead"


def test_elsewhere_the_heartbeat_decides():
    holder = elsewhere(pid=2**22 + 1)
    assert state(holder, NOW + MISSED * BEAT_S) == "alive"
    assert state(holder, NOW + MISSED * BEAT_S + 1) == "silent"


def test_a_holder_beats_every_ten_seconds_and_may_miss_six_beats():
    holder = elsewhere()
    assert (state(holder, NOW + 60), state(holder, NOW + 60.1)) == ("alive", "silent")
    assert (state(holder, NOW + 12, beat_s=2.0), state(holder, NOW + 12.1, beat_s=2.0)) == ("alive", "silent")


@pytest.mark.parametrize(("off", "told"), [(0.0, "alive"), (1.9, "alive"), (-1.9, "alive"), (2.2, "dead")])
def test_clocks_are_set_a_little_now_and_then_and_start_times_with_them(off, told):
    mine = this_process(NOW)
    assert state(mine.model_copy(update={"started": mine.started + off}), NOW) == told


@pytest.mark.parametrize(
    ("error", "told"), [(psutil.NoSuchProcess(7), "dead"), (psutil.AccessDenied(7), "alive")]
)
def test_a_process_that_may_not_be_asked_is_there(monkeypatch, error, told):
    def refuse(pid):
        raise error

    mine = this_process(NOW)
    monkeypatch.setattr(psutil, "Process", refuse)
    assert state(mine, NOW) == told


def test_a_heartbeat_from_a_clock_that_is_ahead_was_just_now():
    holder = elsewhere(pid=7, since=NOW, beat=NOW)
    assert str(holder) == "pid 7 on node7 since 2027-01-15T08:00:00+00:00"
    assert holder.told(NOW - 5) == f"{holder}, last heartbeat 0 s ago"
    assert holder.told(NOW + 4.6) == f"{holder}, last heartbeat 5 s ago"


def test_a_new_holder_has_just_begun_and_a_name_of_its_own():
    one, other = this_process(NOW), this_process(NOW)
    assert (one.since, one.beat, one.pid, one.host) == (NOW, NOW, os.getpid(), socket.gethostname())
    assert one.started == psutil.Process().create_time()
    assert one.token != other.token
    boot = Path("/proc/sys/kernel/random/boot_id")
    expected = [one.host, boot.read_text().strip(), os.readlink("/proc/self/ns/pid")]
    assert one.space == other.space == " ".join(expected)


def test_a_lock_on_an_object_store_stands_a_second_before_it_counts():
    slept: list[float] = []
    keyed = lock_of(RunStore(keyed_url()), sleep=slept.append)
    keyed.acquire()
    keyed.release()
    assert slept == [1.0]


def test_a_lock_beats_and_waits_as_it_is_told_unless_told_otherwise(tmp_path):
    lock = RunLock(RunStore(str(tmp_path)))
    assert (lock._beat_s, lock._clock, lock._sleep) == (10.0, time.time, time.sleep)
    assert lock.on_lost() is None
    assert lock.beat() is False  # it was never taken


def test_a_holder_that_dies_while_it_is_asked_for_twice_is_not_watched(store):
    mine = this_process(NOW)
    put(store, mine.model_copy(update={"started": mine.started - 60, "beat": NOW - 1e5}))
    slept: list[float] = []
    lock = lock_of(store, sleep=slept.append)
    lock.acquire()
    lock.release()
    assert slept == ([] if store.is_local else [1.0])


def test_the_lock_is_read_from_the_disk_and_not_from_a_listing_kept_in_memory(store, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(store.fs, "invalidate_cache", lambda *_: asked.append("anew"))
    assert holder_of(store) is None
    assert asked == ["anew"]


def test_stealing_waits_for_nobody(store):
    put(store, elsewhere(beat=NOW - 1e5))
    slept: list[float] = []
    lock = lock_of(store, sleep=slept.append, beat_s=BEAT_S)
    assert lock.acquire(steal=True).host == "node7"
    lock.release()
    assert slept == ([] if store.is_local else [1.0])


def test_a_lock_that_is_given_back_leaves_what_else_is_in_the_folder(store):
    store.write_text("kept.txt", "x")
    lock = lock_of(store)
    lock.acquire()
    lock.release()
    assert store.files("") == {"kept.txt": 1}


def test_a_container_with_this_hosts_name_is_elsewhere():
    holder = this_process(NOW).model_copy(update={"space": "another pid namespace", "pid": 2**22 + 1})
    assert state(holder, NOW) == "alive"


def test_a_silent_holder_elsewhere_is_watched_before_its_lock_is_taken(store):
    holder = elsewhere(beat=NOW - 1e5)
    put(store, holder)
    watched: list[float] = []
    lock = lock_of(store, sleep=watched.append, beat_s=BEAT_S)
    assert lock.acquire() == holder
    assert watched[0] == 2 * BEAT_S
    lock.release()


def test_a_holder_whose_clock_is_slow_but_beats_keeps_its_lock(store):
    put(store, elsewhere(beat=NOW - 1e5))
    beating = lock_of(store, sleep=lambda _: put(store, elsewhere(beat=NOW - 1e5 + 10)), beat_s=BEAT_S)
    with pytest.raises(RunFolderError, match=r"in use by pid .* on node7"):
        beating.acquire()


def test_stealing_says_from_whom_and_the_robbed_one_notices(store):
    lost: list[str] = []
    first = lock_of(store, on_lost=lambda: lost.append("lost"))
    first.acquire()
    thief = lock_of(store)
    taken = thief.acquire(steal=True)
    assert taken is not None
    assert taken.pid == os.getpid()
    with pytest.raises(RunFolderError, match=rf"was taken by pid {os.getpid()} on .* since "):
        first.check()
    assert not first.beat()
    first.release()
    thief.check()  # neither a late heartbeat nor the release of the robbed one touches it
    assert thief.beat()
    thief.release()


def test_the_heartbeat_is_renewed_and_its_thread_tells_of_a_theft(store):
    lost = threading.Event()
    first = RunLock(store, on_lost=lost.set, beat_s=0.02, sleep=lambda _: None)
    first.acquire()
    begun = Holder.model_validate_json(store.read_bytes(LOCK)).beat
    deadline = time.monotonic() + 20
    while Holder.model_validate_json(store.read_bytes(LOCK)).beat == begun and time.monotonic() < deadline:
        time.sleep(0.01)
    assert Holder.model_validate_json(store.read_bytes(LOCK)).beat > begun
    thief = lock_of(store)
    thief.acquire(steal=True)
    assert lost.wait(20)
    first.release()
    thief.check()
    thief.release()


def test_a_lock_that_was_removed_by_hand_is_lost(store):
    lock = lock_of(store)
    lock.acquire()
    store.remove(LOCK)
    with pytest.raises(RunFolderError, match="was taken away"):
        lock.check()
    lock.release()


def test_on_an_object_store_the_last_of_two_that_wrote_at_once_has_it():
    store = RunStore(keyed_url())
    other = elsewhere()
    with pytest.raises(RunFolderError, match=r"in use by pid .* on node7"):
        lock_of(store, sleep=lambda _: put(store, other)).acquire()


def test_a_lock_of_another_version_is_one_line(store):
    store.write_text(LOCK, "{}")
    with pytest.raises(RunFolderError, match="not a lock of this version; remove it if no run is active"):
        lock_of(store).acquire()


def test_of_two_that_find_a_dead_holder_at_once_one_gets_the_folder(tmp_path, monkeypatch):
    store, mine = RunStore(str(tmp_path)), this_process(NOW)
    put(store, mine.model_copy(update={"started": mine.started - 60}))

    def slow(*arguments):
        judged = state(*arguments)
        time.sleep(0.1)
        return judged

    monkeypatch.setattr("psyche_rl.store.lock.state", slow)
    ends: list[str] = []

    def take() -> None:
        try:
            lock_of(store).acquire()
            ends.append("holds")
        except RunFolderError:
            ends.append("refused")

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(ends) == ["holds", "refused", "refused"]


HOLD = """
import sys
from psyche_rl.store import RunStore
from psyche_rl.store.lock import RunLock
lock = RunLock(RunStore(sys.argv[1]))
try:
    taken = lock.acquire()
except Exception as error:
    print("refused", error, flush=True)
    raise SystemExit(2)
print("holds", taken and taken.pid, flush=True)
input()
lock.release()
"""


def holding(folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_of_processes_that_start_at_once_one_gets_it_and_a_killed_ones_lock_is_taken_over(tmp_path):
    racers = [holding(tmp_path / "run") for _ in range(3)]
    said = [racer.stdout.readline() for racer in racers]
    assert sorted(line.split()[0] for line in said) == ["holds", "refused", "refused"]
    winner = racers[[line.split()[0] for line in said].index("holds")]
    assert all(f"in use by pid {winner.pid} on " in line for line in said if line.startswith("refused"))
    winner.send_signal(signal.SIGKILL)
    winner.wait()
    heir = holding(tmp_path / "run")
    assert heir.stdout.readline().split() == ["holds", str(winner.pid)]
    for process in (*racers, heir):
        process.communicate("\n")
    assert heir.returncode == 0
    assert not (tmp_path / "run").exists() or not (tmp_path / "run" / LOCK).exists()


def test_a_lock_that_was_never_taken_is_given_back_without_a_word(tmp_path):
    store = RunStore(str(tmp_path / "run"))
    store.make_folder()
    RunLock(store).release()
    assert store.exists("")
