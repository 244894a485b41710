"""How many rollout workers there should be.

Role: pure policies, a load in and a decision out; the rollout pool carries it out, and a user's
``psyche-rl scale`` comes in through :class:`Scaling`. The reward pool has a policy of its own
(``actors.scoring.scaling``): its processes cost milliseconds and follow their queue at once, while a rollout
worker costs a GPU and minutes of loading.
Invariants:

- A decision lies within the policy's bounds and, above its minimum, within what the cluster has room for. It
  says why.
- A lost worker is replaced, as a decision holds until the next.
- No flapping: a need has to last before it is followed, longest where workers are to go, and nothing is
  changed while some are still coming up.
- What a user asks for holds until the next word of a user.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

WAITING_SHARE = 0.1
"""Of its time that the learner may wait for groups; less is the unevenness of answers."""
IDLE_SHARE = 0.2
"""Of their time that workers may have no work; less is the reserve for the long tail."""
MORE_AFTER_S = 30.0
"""A need that is younger may be a single slow step."""
FEWER_AFTER_S = 300.0
"""Surplus that is younger may be an evaluation or a checkpoint, and who comes back has to load again."""
GROWTH = 2.0
"""Times the workers there are, at most, in one decision: what they change is to be seen before the next."""


@dataclass(frozen=True)
class FleetLoad:
    """The fleet at one moment. Shares are of the time since the last decision."""

    now: float
    workers: int
    """That stay, those that are still coming up among them."""
    coming: int
    """Of those, the ones that do not take work yet for the first time."""
    waiting_share: float
    """Of the learner's time, waiting for groups."""
    idle_share: float
    """Of the serving workers' time, without any work."""
    room: int | None = None
    """Workers that the cluster, grown as far as it may, has room for beside those; None if nobody knows."""


@dataclass(frozen=True)
class ScalingDecision:
    """How many workers there should be, and why."""

    target: int
    why: str


class FleetPolicy(Protocol):
    """What decides while no user does. ``maximum`` is None where only the cluster sets a limit."""

    minimum: int
    maximum: int | None

    def decide(self, load: FleetLoad) -> ScalingDecision:
        """How many there should be now."""
        ...


class Fixed:
    """``rollout_workers: N``. A lost worker is replaced."""

    minimum: int = 1
    maximum: int | None = None

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def decide(self, load: FleetLoad) -> ScalingDecision:
        """Always the same."""
        return ScalingDecision(self._workers, "fixed")


class AllTheClusterHas:
    """``rollout_workers: auto``."""

    minimum: int = 1
    maximum: int | None = None

    def decide(self, load: FleetLoad) -> ScalingDecision:
        """Those there and those that there is room for."""
        return ScalingDecision(max(1, load.workers + (load.room or 0)), "all that the cluster has room for")


class Between:
    """``rollout_workers: {min, max}``, by who waits for whom.

    The bound on staleness stops the workers when they are ahead and the learner when they are behind, so
    their idle times say what a queue would: how much more or less is needed for neither to wait.
    """

    def __init__(self, minimum: int, maximum: int) -> None:
        if not 1 <= minimum <= maximum:
            raise ValueError(f"no number of workers is >= {minimum} and <= {maximum}, or it is < 1")
        self.minimum: int = minimum
        self.maximum: int | None = maximum
        self._bounds, self._wanted = (minimum, maximum), minimum
        self._short_since: float | None = None
        self._idle_since: float | None = None

    def decide(self, load: FleetLoad) -> ScalingDecision:
        """More or fewer once the need has lasted, else as many as before."""
        short = load.waiting_share > WAITING_SHARE and not load.coming
        idle = load.idle_share > IDLE_SHARE and load.waiting_share <= WAITING_SHARE and not load.coming
        self._short_since = _since(self._short_since, short, load.now)
        self._idle_since = _since(self._idle_since, idle, load.now)
        target, why = self._wanted, "enough"
        if load.coming:
            why = f"{load.coming} are coming up"
        elif self._short_since is not None and load.now - self._short_since >= MORE_AFTER_S:
            target = max(target, _more(load))
            why = f"the learner waits {load.waiting_share:.0%} of its time"
        elif self._idle_since is not None and load.now - self._idle_since >= FEWER_AFTER_S:
            target = min(target, _fewer(load))
            why = f"the workers are idle {load.idle_share:.0%} of their time"
        least, most = self._bounds
        bounded = min(max(target, least), most)
        if bounded != target:
            why = f"{why}; within {least} to {most}"
        if bounded != self._wanted:  # what it changes is to be seen for as long as what led to it
            self._short_since = self._idle_since = None
        self._wanted = bounded
        return ScalingDecision(bounded, why)


class Scaling:
    """A policy, and the word of a user above it; ``asked``: that word, if there was one before."""

    def __init__(self, policy: FleetPolicy, asked: int | None = None) -> None:
        self._policy, self.asked = policy, asked

    def ask(self, workers: int | None) -> ScalingDecision | None:
        """A user wants so many from now on, or None to leave it to the policy again; returns what holds."""
        self.asked = workers
        return None if workers is None else self._as_asked(workers)

    def decide(self, load: FleetLoad) -> ScalingDecision:
        """How many there should be now."""
        decision = self._policy.decide(load) if self.asked is None else self._as_asked(self.asked)
        if load.room is None or decision.target <= load.workers + load.room:
            return decision
        room = load.workers + load.room
        why = f"{decision.why}; the cluster has room for {room}"
        return ScalingDecision(max(self._policy.minimum, room), why)

    def _as_asked(self, workers: int) -> ScalingDecision:
        least, most = self._policy.minimum, self._policy.maximum
        if workers < least:
            return ScalingDecision(least, f"{workers} were asked for, {least} is the least")
        if most is not None and workers > most:
            return ScalingDecision(most, f"{workers} were asked for, {most} is the most")
        return ScalingDecision(workers, f"{workers} were asked for")


def _since(before: float | None, holds: bool, now: float) -> float | None:
    """Since when something holds, given since when it did."""
    if not holds:
        return None
    return now if before is None else before


def _more(load: FleetLoad) -> int:
    """As many as would have kept the learner busy, but no leap."""
    busy = max(1.0 - load.waiting_share, 1.0 / GROWTH)
    return math.ceil(load.workers / busy)


def _fewer(load: FleetLoad) -> int:
    """As many as would have had work, with half the idle share allowed left as reserve."""
    return math.ceil(load.workers * (1.0 - load.idle_share) / (1.0 - IDLE_SHARE / 2))
