"""The process that writes to a run folder: what it holds, and how it ends.

Role: lock, manifest, results set aside for a redo, and the clean end, in one place.
Collaborators: ``launch.pipeline`` runs stages with it; ``psyche_rl.store`` has the parts.
- The manifest is written only while the lock is this process's.
- While results stand aside neither manifest nor ``config.yaml`` is written. :meth:`RunWriter.begin`, when the
  redo has something to write, is the moment at which the old results go; an end before it brings them back.
- A stage that was asked to stop is "stopped" in the manifest, whatever exception its end came with: a
  scheduler ends the actors as well.
- A disk that is full, gone or read-only ends the run in one line; what the manifest says of it has room kept.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress

from launch.signals import CleanEnd
from psyche_rl.errors import RunFolderError
from psyche_rl.events import Events
from psyche_rl.masking import masked
from psyche_rl.stop import Stopped, StopRequest
from psyche_rl.store import Manifest, RunStore, StageEntry
from psyche_rl.store.atomic import remove_left_overs
from psyche_rl.store.disk import Reserve, disk_fault
from psyche_rl.store.lock import RunLock
from psyche_rl.store.private import private
from psyche_rl.store.saved_config import CONFIG
from psyche_rl.store.set_aside import SetAside, recover
from psyche_rl.terminal.plain import echo

GO_ON = "the same command goes on from here"


class RunWriter:
    """Writes the manifest of one run folder; made by :func:`writing`."""

    def __init__(self, store: RunStore, lock: RunLock, stop: StopRequest, events: Events) -> None:
        self.store, self.stop, self.events = store, stop, events
        self.manifest = Manifest.load(store)
        self.lost = False
        """Whether another process has taken the folder."""
        self._lock = lock
        self._aside: SetAside | None = None
        self._config = ""
        self._begins = threading.Lock()
        self._running = ""
        self._reserve = Reserve(store.path("")) if store.is_local else None

    def save(self, config: str = "") -> None:
        """Write the manifest, and ``config.yaml`` where its text is given; later, while results stand aside.

        Raises:
            RunFolderError: the folder is another process's by now.
        """
        self._config = config or self._config
        if self._aside:
            return
        self._lock.check()
        try:
            self._write()
        except OSError:
            if self._reserve is None or not self._reserve.release():
                raise
            self._write()

    def _write(self) -> None:
        if self._config:
            self.store.write_text(CONFIG, self._config)
            self._config = ""
        self.manifest.save(self.store)

    def set_aside(self, stages: Sequence[str]) -> None:
        """Results of ``stages`` stand aside; the manifest in memory knows them no more."""
        self._lock.check()
        self._aside = SetAside.of(self.store, stages)
        for stage in stages:
            self.manifest.stages.pop(stage, None)

    def begin(self) -> None:
        """The redo has something to write: the old results go. Does nothing where none stand aside."""
        with self._begins:
            if self._aside:
                aside, self._aside = self._aside, None
                try:
                    self.save()
                except BaseException:
                    self._aside = aside
                    raise
                aside.discard()

    def heed_stop(self) -> None:
        """End if that was asked for.

        Raises:
            Stopped: no further stage begins.
        """
        if self.stop.requested:
            raise self.stop.leave("")

    def enter(self, stage: str, entry: StageEntry) -> None:
        """``stage`` runs from now on."""
        if self._reserve is not None:
            self._reserve.take()
        self._running = stage
        self.manifest.stages[stage] = entry
        self.save()

    def fail(self, entry: StageEntry, error: BaseException) -> None:
        """Say in the manifest how the stage has ended."""
        self.stop.leaving = True
        if self.stop.requested:
            said = f", {error}" if isinstance(error, Stopped) and str(error) else ""
            entry.status, entry.error = "stopped", f"stopped by {self.stop.reason}{said}"
        else:
            told = str(disk_fault(error, self.store.url) or error)
            entry.status, entry.error = "failed", masked(told or type(error).__name__)[:500]

    def restore(self) -> None:
        """Put back what stands aside: the redo has not begun."""
        if self._aside:
            self._lock.check()
            self._aside.restore()
            self._aside = None
            self.manifest = Manifest.load(self.store)
            self.events.say("the redo has not begun; the earlier results are in place again")

    def leave(self) -> None:
        """Let go of what was kept for a bad end."""
        if self._reserve is not None:
            self._reserve.release()

    def stopped(self, exit_code: int) -> Stopped:
        """The end of a run that was asked to stop, in one line."""
        entry = self.manifest.stages.get(self._running)
        if entry is not None and entry.status == "stopped":
            return Stopped(f"stage '{self._running}' {entry.error}; {GO_ON}", exit_code)
        return Stopped(f"stopped by {self.stop.reason}; {GO_ON}", exit_code)

    def last_words(self) -> None:
        """What must be written if the process is ended while it cleans up. For any thread."""
        entry = self.manifest.stages.get(self._running)
        if entry is not None and entry.status == "running" and not self.lost:
            self.fail(entry, Stopped())
            self.save()
        with suppress(OSError):
            echo(str(self.stopped(0)), err=True)
        self._lock.release()


@contextmanager
def writing(
    store: RunStore, grace_s: float, steal_lock: bool = False, public: bool = False
) -> Iterator[RunWriter]:
    """Hold the run folder: from here on this process is the only one that writes to it, and unless it is
    ``public`` its owner the only one that reads it.

    Raises:
        RunFolderError: another process holds it, or has taken it meanwhile.
        Stopped: the run was asked to stop.
    """
    with private(store, public):
        yield from _holding(store, grace_s, steal_lock)


def _holding(store: RunStore, grace_s: float, steal_lock: bool) -> Iterator[RunWriter]:
    stop = StopRequest()
    lock = RunLock(store)
    taken = lock.acquire(steal_lock)
    events = Events(store)
    try:
        if taken is not None:
            events.say(f"run folder taken over from {taken}", stolen=steal_lock)
        remove_left_overs(store)
        back = recover(store)
        if back:
            events.say("a redo was cut before it began; the earlier results are in place again", stages=back)
        writer = RunWriter(store, lock, stop, events)
        with CleanEnd(stop, grace_s, writer.last_words) as end:

            def lost() -> None:
                writer.lost = True
                end.abandon("the loss of the run folder")

            lock.on_lost = lost
            try:
                yield writer
            except BaseException as error:
                stop.leaving = True
                if writer.lost:
                    lock.check()
                fault = disk_fault(error, store.url)
                with suppress(OSError) if fault else nullcontext():  # else the next run puts them back
                    writer.restore()
                if stop.requested:
                    raise writer.stopped(end.exit_code) from None
                if fault is not None:
                    raise fault from error
                raise
            finally:
                writer.leave()
    finally:
        with suppress(OSError, RunFolderError):
            lock.release()
