"""Who holds a run folder, and whether that process still lives.

Pure but for asking the operating system about a process. Collaborators: ``lock.py`` stores holders.
- On the machine of the holder the process itself is asked: its pid must be there with the same start time,
  since a pid is used again after its process has ended. A zombie is dead.
- Elsewhere the heartbeat is asked. A process space is told by host, boot and pid namespace: containers that
  share a host name do not see each other's processes.
"""

from __future__ import annotations

import os
import socket
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil
from pydantic import BaseModel, ConfigDict

BEAT_S = 10.0
"""Between two heartbeats, in seconds: a small write each."""
MISSED = 6
"""Heartbeats that may be missed before a holder on another machine is taken for dead."""
_SAME_START_S = 2.0
"""Clocks are set by some ms now and then, and start times with them."""

State = Literal["alive", "dead", "silent"]


class Holder(BaseModel):
    """The process that may write to a run folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: str
    """Drawn anew each time the folder is taken."""
    host: str
    space: str
    """Which processes a pid is one of."""
    pid: int
    started: float
    """Start of the process, seconds since 1970."""
    since: float
    beat: float
    """The last heartbeat, by the holder's clock."""

    def __str__(self) -> str:
        return f"pid {self.pid} on {self.host} since {_moment(self.since)}"

    def told(self, now: float) -> str:
        """The holder and its last heartbeat, in words."""
        return f"{self}, last heartbeat {max(0, round(now - self.beat))} s ago"


def this_process(now: float) -> Holder:
    """This process as a new holder."""
    return Holder(
        token=uuid.uuid4().hex,
        host=socket.gethostname(),
        space=process_space(),
        pid=os.getpid(),
        started=psutil.Process().create_time(),
        since=now,
        beat=now,
    )


def state(holder: Holder, now: float, beat_s: float = BEAT_S) -> State:
    """Whether the holder lives; "silent": it is elsewhere and its heartbeat has stopped."""
    if holder.space == process_space():
        return "alive" if _runs(holder) else "dead"
    return "silent" if now - holder.beat > MISSED * beat_s else "alive"


def process_space() -> str:
    """Host name, boot and pid namespace of this process."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
    with suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def _runs(holder: Holder) -> bool:
    try:
        process = psutil.Process(holder.pid)
        same = abs(process.create_time() - holder.started) <= _SAME_START_S
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
