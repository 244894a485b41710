"""Waiting on remote work: always with a deadline, always with a name.

Every ``ray.get`` of the loops goes through :func:`wait`, so that a hang or a dead actor ends in one
line that says which actor, in which phase, at which weight version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, GetTimeoutError, RayTaskError

from psyche_rl.errors import PsycheError, RemoteWaitError


@dataclass(frozen=True)
class Waiting:
    """What is being waited for; becomes the error message if it does not come."""

    actor: str
    phase: str
    version: int | None = None
    deadline_s: float = 600.0


def wait(refs: Any | Sequence[Any], waiting: Waiting) -> Any:
    """``ray.get`` with a deadline.

    Raises:
        RemoteWaitError: the deadline passed or the actor died.
        PsycheError: the remote side raised one; it comes back as itself.
    """
    try:
        return ray.get(refs, timeout=waiting.deadline_s)
    except GetTimeoutError:
        why = f"no answer within {waiting.deadline_s:.0f} s"
        raise RemoteWaitError(waiting.actor, waiting.phase, waiting.version, why) from None
    except (ActorDiedError, ActorUnavailableError) as error:
        why = f"the actor died: {str(error).splitlines()[0]}"
        raise RemoteWaitError(waiting.actor, waiting.phase, waiting.version, why) from error
    except RayTaskError as error:
        if isinstance(error.cause, PsycheError):
            raise error.cause from None
        raise
