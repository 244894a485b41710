"""Waiting on remote work: always with a deadline, always with a name; and what Ray's errors mean.

Every ``ray.get`` of the loops goes through :func:`wait`, so that a hang or a lost process ends in one
line that says which actor, in which phase, at which weight version. Who waits in another way (many at once,
in an event loop) asks :func:`lost` and :func:`understood`, so that no two callers read an error differently.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError, RayTaskError

from psyche_rl.errors import PsycheError, RemoteWaitError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
AFTERMATH_S = 5.0
"""How long after the first error of several calls the loss of a process may still come to be known."""


@dataclass(frozen=True)
class Waiting:
    """What is being waited for; becomes the error message if it does not come."""

    actor: str
    phase: str
    version: int | None = None
    deadline_s: float = 600.0

    def failed(self, why: str) -> RemoteWaitError:
        """It did not come."""
        return RemoteWaitError(self.actor, self.phase, self.version, why)


def wait(refs: Any | Sequence[Any], waiting: Waiting) -> Any:
    """``ray.get`` with a deadline.

    Of several calls that depend on one another, a lost process is told rather than what its loss made the
    others raise: ranks whose peer is gone fail in a collective, and often sooner than Ray knows why.

    Raises:
        RemoteWaitError: the deadline passed, or the process behind it is lost.
        PsycheError: the remote side raised one; it comes back as itself.
    """
    try:
        return ray.get(refs, timeout=waiting.deadline_s)
    except RayError as error:
        meaning = understood(error, waiting)
        if not isinstance(meaning, RemoteWaitError) and isinstance(refs, Sequence):
            meaning = _loss_among(refs, waiting) or meaning
        if meaning is error:
            raise  # a defect of the remote code, with its traceback
        raise meaning from (None if isinstance(error, GetTimeoutError) else error)


def _loss_among(refs: Sequence[Any], waiting: Waiting) -> RemoteWaitError | None:
    ready, _ = ray.wait(list(refs), num_returns=len(refs), timeout=AFTERMATH_S)
    for ref in ready:
        try:
            ray.get(ref)
        except RayError as error:
            if (why := lost(error)) is not None:
                return waiting.failed(why)
    return None


def understood(error: BaseException, waiting: Waiting) -> BaseException:
    """What an error of a remote call is to whoever waits: what the remote code raised, if that is ours; a
    RemoteWaitError if its process is lost or late; else (a defect) the error as it is."""
    if isinstance(cause := raised(error), PsycheError):
        return cause
    if isinstance(error, GetTimeoutError) and not isinstance(error, RayTaskError):
        return waiting.failed(f"no answer within {waiting.deadline_s:.0f} s")
    why = lost(error)
    return error if why is None else waiting.failed(why)


def lost(error: BaseException) -> str | None:
    """Why there is no answer, in one line, where a process, node or object behind the call is gone.

    None where the call was answered by an error, or is only late. Ended by the kernel or by Ray's memory
    monitor, on a node that left, unable to start, or without its arguments because their owner is gone: it
    makes no difference to who waits.
    """
    cause = raised(error)
    if not isinstance(cause, RayError) or isinstance(cause, GetTimeoutError | RayTaskError):
        return None
    if type(cause) is RayError:
        return None  # stands for an exception that could not travel, so the remote code raised it
    if isinstance(cause, RayActorError):
        return (
            _constructor_error(cause) if cause.actor_init_failed else f"the actor died: {first_line(cause)}"
        )
    return first_line(cause)


def _constructor_error(error: RayActorError) -> str:
    """What the constructor raised, whole: the end of a traceback, after its last line of code."""
    lines = without_colours(str(error)).rstrip().splitlines()
    end = next((at for at in range(len(lines), 0, -1) if lines[at - 1].startswith((" ", "\t"))), 0)
    return f"the actor cannot start: {' '.join(' '.join(lines[end:] or lines[-1:]).split())}"


def without_colours(text: str) -> str:
    """Ray colours the names in its messages."""
    return _COLOUR.sub("", text)


def raised(error: BaseException) -> BaseException:
    """What the remote code raised, where that is what ``error`` tells of."""
    while isinstance(error, RayTaskError) and error.cause is not None:
        error = error.cause  # within one another where a call's arguments were other calls' results
    return error


def first_line(error: BaseException) -> str:
    """Of its message; its name where it has none. Ray's messages are pages."""
    return (without_colours(str(error)).strip().splitlines() or [type(error).__name__])[0]
