"""How long one call goes on trying: after a failed try a pause, its end, or the end of all. Pure.

Collaborators: ``client`` carries it out; ``http_reply`` reads Retry-After.
Invariants:
- Faults of a call or a server use up ``teacher.attempts``; overload (429, 503) does not, and is waited out.
- Pauses and tries of a call together never take longer than ``teacher.call_s``; waiting for a turn does not
  count, since other calls are answered meanwhile.
- A pause that no call can wait for is told as what it is, at once (:class:`LongPauseError`).
"""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

from psyche_rl.config.teacher import LONGEST_BACKOFF_S, TeacherConfig
from psyche_rl.errors import TeacherError
from psyche_rl.llm.attempts import FailedAttemptError

WAITED_OUT = ("rate_limited", "unavailable")
_MOST_DOUBLINGS = 60


class LongPauseError(Exception):
    """A server asks for more seconds than a whole call may take."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:g} s")
        self.seconds = seconds


class CallPatience:
    """That of one call; ``tries`` are those that have failed so far."""

    def __init__(self, config: TeacherConfig, backoff_s: float) -> None:
        self._attempts, self._limit_s, self._backoff_s = config.attempts, config.call_limit_s, backoff_s
        self.tries, self._faults, self._used_s = 0, 0, 0.0

    def pause(self, failed: FailedAttemptError) -> float | None:
        """Seconds until the next try; None: the call has failed.

        Raises:
            LongPauseError: the server wants to be left alone for longer than any call may take.
        """
        self.tries += 1
        self._used_s += failed.took
        self._faults += failed.kind not in WAITED_OUT
        if not failed.elsewhere and (failed.retry_after or 0.0) > self._limit_s:
            raise LongPauseError(failed.retry_after or 0.0)
        left = self._limit_s - self._used_s
        wanted = self._wanted(failed)
        asked_for_more = not failed.elsewhere and (failed.retry_after or 0.0) > left
        if self._faults >= self._attempts or left <= 0 or asked_for_more:
            return None
        pause = min(wanted, left)
        self._used_s += pause
        return pause

    def told(self, failed: FailedAttemptError) -> str:
        """What the end of the call says: of overload also how long it was waited out."""
        if failed.kind not in WAITED_OUT:
            return str(failed)
        return f"{failed}; waited out for {self._used_s:,.0f} of {self._limit_s:,.0f} s (teacher.call_s)"

    def _wanted(self, failed: FailedAttemptError) -> float:
        """None where another server can take it, else what the server asked for, else a backoff.

        A server that goes on asking for next to nothing gets the backoff all the same.
        """
        asked = 0.0 if failed.elsewhere else failed.retry_after
        if asked is None:
            return backoff(self._backoff_s, self.tries)
        return max(asked, backoff(self._backoff_s, self.tries)) if self.tries >= self._attempts else asked


def backoff(first_s: float, tries: int) -> float:
    """Exponential with jitter, after so many tries."""
    pause = first_s * 2.0 ** min(tries - 1, _MOST_DOUBLINGS) + random.uniform(0, first_s / 2)
    return min(pause, LONGEST_BACKOFF_S)


def long_pause(failed: FailedAttemptError, seconds: float, limit_s: float, now: datetime) -> TeacherError:
    """What the user is told of a :class:`LongPauseError`, with both ways on."""
    until = (now + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M %Z")
    return TeacherError(
        f"teacher {where(failed)}asks for a pause of {seconds:,.0f} s ({failed}), which is more than the "
        f"{limit_s:,.0f} s that a call may take; run again after {until}: finished calls are kept; or "
        f"wait with teacher.call_s={math.ceil(seconds + limit_s)}"
    )


def where(failed: FailedAttemptError) -> str:
    """``at ADDRESS`` with a space after it, where it is known."""
    return f"at {failed.sent.endpoint} " if failed.sent is not None else ""
