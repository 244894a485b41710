"""One writer per run folder.

Role: a lock that survives crashes. Whoever writes holds it; whoever only reads needs none.
Collaborators: ``lock_holder`` tells whether a holder lives; ``launch.pipeline`` takes the lock, and asks
:meth:`RunLock.check` before it writes the manifest.
- ``run.lock`` names the holder. A thread renews its heartbeat, and notices when the lock was taken away.
- A dead holder's lock is taken over, and so is one that has been silent for too long. Clocks of two machines
  may differ, so a silent one is watched for two beats before it counts as dead.
- On a local disk taking it is atomic (a link that must be new, under ``flock`` of the folder where the disk
  knows it). On object stores, which have nothing like it, the lock is written and read again after a moment.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from psyche_rl.errors import RunFolderError
from psyche_rl.store.lock_holder import BEAT_S, Holder, state, this_process
from psyche_rl.store.run_store import RunStore

LOCK = "run.lock"
SETTLE_S = 1.0
"""How long a lock on an object store must have stood before it counts."""


def holder_of(store: RunStore) -> Holder | None:
    """Who holds a run folder, alive or not.

    Raises:
        RunFolderError: the lock cannot be read.
    """
    store.fs.invalidate_cache()
    try:
        data = store.read_bytes(LOCK)
    except (RunFolderError, NotADirectoryError):
        return None
    try:
        return Holder.model_validate_json(data)
    except ValueError:
        where = store.path(LOCK)
        raise RunFolderError(
            f"{where} is not a lock of this version; remove it if no run is active"
        ) from None


class RunLock:
    """The lock of one run folder, for one process.

    Args:
        on_lost: called once, in the heartbeat's thread, when another process has taken the lock.
    """

    def __init__(
        self,
        store: RunStore,
        on_lost: Callable[[], None] = lambda: None,
        beat_s: float = BEAT_S,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.on_lost = on_lost
        self._store, self._beat_s = store, beat_s
        self._clock, self._sleep = clock, sleep
        self._mine: Holder | None = None
        self._made = False
        self._ends = threading.Event()
        self._beating: threading.Thread | None = None

    def acquire(self, steal: bool = False) -> Holder | None:
        """Take the lock and begin to beat; returns the holder that it was taken from, if any.

        Raises:
            RunFolderError: another process writes to the folder.
        """
        self._made = not self._store.exists("")
        self._store.make_folder()
        found = self._read()
        if found is not None and not steal and state(found, self._clock(), self._beat_s) == "silent":
            self._sleep(2 * self._beat_s)
        with self._alone():
            now = self._read()
            moved = found is not None and now is not None and now.beat != found.beat
            if (
                now is not None
                and not steal
                and (moved or state(now, self._clock(), self._beat_s) == "alive")
            ):
                raise self._refusal(now)
            mine = this_process(self._clock())
            self._put(mine, over=now)
        self._settle(mine)
        self._mine = mine
        self._beating = threading.Thread(target=self._beat, name="run-lock", daemon=True)
        self._beating.start()
        return now

    def check(self) -> None:
        """Nothing, if the lock is still this process's.

        Raises:
            RunFolderError: it was taken away.
        """
        found = self._read()
        if self._mine is None or found is None or found.token != self._mine.token:
            by = f"by {found}" if found else "away"
            raise RunFolderError(
                f"{self._store.url}: the run folder was taken {by}; this process stops and leaves it alone"
            )

    def release(self) -> None:
        """Give the lock back, if it is still this process's."""
        self._ends.set()
        if self._beating is not None:
            self._beating.join(self._beat_s)
        with self._alone():
            found = self._read()
            if self._mine is not None and found is not None and found.token == self._mine.token:
                self._store.remove(LOCK)
        if self._made and not self._store.files(""):
            self._store.remove("")  # a run that was refused leaves no empty folder
        self._mine = None

    def beat(self) -> bool:
        """Renew the heartbeat; False: the lock is another's by now."""
        with self._alone():
            found = self._read()
            if self._mine is None or found is None or found.token != self._mine.token:
                return False
            self._put(self._mine.model_copy(update={"beat": self._clock()}), over=found)
            return True

    # -- inside --------------------------------------------------------------------------------
    def _beat(self) -> None:
        while not self._ends.wait(self._beat_s):
            with suppress(OSError, RunFolderError):  # a disk that is away for a moment costs a beat
                if not self.beat():
                    if not self._ends.is_set():
                        self.on_lost()
                    return

    def _read(self) -> Holder | None:
        return holder_of(self._store)

    def _put(self, holder: Holder, over: Holder | None) -> None:
        data = holder.model_dump_json().encode()
        if over is not None or not self._store.is_local:
            self._store.write_bytes(LOCK, data)
            return
        lock = self._store.local_path(LOCK)
        aside = lock.with_name(f"{LOCK}.{uuid.uuid4().hex[:8]}.tmp")
        aside.write_bytes(data)
        try:
            os.link(aside, lock)
        except FileExistsError:
            raise self._refusal(self._read() or holder) from None
        finally:
            aside.unlink()

    def _settle(self, mine: Holder) -> None:
        if self._store.is_local:
            return
        self._sleep(SETTLE_S)
        found = self._read()
        if found is not None and found.token != mine.token:
            raise self._refusal(found)

    def _refusal(self, holder: Holder) -> RunFolderError:
        return RunFolderError(
            f"{self._store.url} is in use by {holder.told(self._clock())}; "
            "wait for its end or stop it, or take the folder over with --steal-lock"
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process of this machine reads and writes the lock meanwhile."""
        if not self._store.is_local:
            yield
            return
        import fcntl

        folder = os.open(self._store.path(""), os.O_RDONLY)
        try:
            with suppress(OSError):  # network disks may know no flock of a folder
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)
