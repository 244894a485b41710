"""What a user should hear at once while calls wait: that a server wants a pause, or is overloaded. Pure.

Collaborators: ``client`` notes every pause; whoever has a console takes the lines (``LLM.notices``).
Invariant: one line a pause of a server, however many calls meet it.
"""

from __future__ import annotations

from psyche_rl.llm.attempts import FailedAttemptError
from psyche_rl.llm.call_patience import WAITED_OUT, where

SAID_FROM_S = 8.0
"""A shorter pause is daily business."""
AGAIN_AFTER_S = 60.0
CHOICE = "stop with Ctrl-C and run again later: finished calls are kept"


class Notices:
    """Lines that nobody has taken yet."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s, self._lines = limit_s, list[str]()
        self._quiet_until: dict[str, float] = {}

    def note(self, failed: FailedAttemptError, pause: float, now: float) -> None:
        """A call pauses for ``pause`` seconds at time ``now``."""
        if (
            pause < SAID_FROM_S
            or failed.kind not in WAITED_OUT
            or now < self._quiet_until.get(where(failed), 0.0)
        ):
            return
        if failed.retry_after is not None:
            told, quiet = f"asks for a pause of {pause:,.0f} s ({failed})", pause
        else:
            told, quiet = f"is overloaded and does not say for how long ({failed})", AGAIN_AFTER_S
        self._quiet_until[where(failed)] = now + quiet
        self._lines.append(
            f"teacher {where(failed)}{told}; a call waits for up to {self._limit_s:,.0f} s "
            f"(teacher.call_s); {CHOICE}"
        )

    def taken(self) -> list[str]:
        """The lines, which are then forgotten."""
        lines, self._lines = self._lines, []
        return lines
