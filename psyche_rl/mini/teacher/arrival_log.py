"""The scripted teacher's own account of who asked what, and what was sent.

One JSON line when a request has been read (``received``), one when it is over: ``sent`` once its reply has
been handed to the socket to the last byte, ``gone`` where the client had left before that, ``dropped``
where a fault gave no reply. Line by line flushed, so that it can be read while the teacher works.
Invariant: neither prompts nor tokens are written, only the payload's SHA-256.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Literal, TextIO

End = Literal["sent", "gone", "dropped"]


@dataclass(frozen=True)
class Arrival:
    """One arrival. ``number`` counts all arrivals from 0, ``attempt`` those of the same payload.

    ``sample`` is the request's ``seed`` if it has one, ``digest`` the payload's SHA-256 in hex.
    """

    number: int
    digest: str
    attempt: int
    sample: int | None


class ArrivalLog:
    """Writes to ``file``; nowhere where there is none."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file

    def received(self, call: Arrival) -> None:
        """A request has been read whole."""
        self._write("received", call, None, None, None)

    def ended(self, call: Arrival, end: End, status: int | None, task: str | None, fault: str | None) -> None:
        """A request is over; ``status`` only where a reply was sent, ``fault`` where one was planned."""
        self._write(end, call, status, task, fault)

    def _write(
        self, event: str, call: Arrival, status: int | None, task: str | None, fault: str | None
    ) -> None:
        if self._file is None:
            return
        line = {
            "time": time.time(),
            "event": event,
            "call": call.number,
            "digest": call.digest,
            "attempt": call.attempt,
            "sample": call.sample,
            "status": status,
            "task": task,
            "fault": fault,
        }
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
