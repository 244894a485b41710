"""Whether a worker is well, judged by its own progress.

Role: pure judgement of a slot at a moment; the pool asks for it now and then and carries it out.
Collaborators: ``slot`` (what is known of a worker), the cluster's list of nodes that are to leave.
Invariants:

- A worker with work is judged by the time since it last generated anything, in multiples of its own usual
  gap. One deadline for all would either cut off whoever has the longest answers, or let a hang cost hours.
- A worker without work is never silent.
- Suspicion costs new work only and ends with the next token; a loss costs what the worker had.
- Joining, loading and syncing have deadlines of their own, since there are no tokens to go by.
- A node that is to leave is left in time: its workers drain, and what they have not finished shortly before
  the deadline is given to others while they can still be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from psyche_rl.fleet.slot import MEMBERS, Slot, SlotState

SUSPECT_GAPS = 20.0
"""Times its usual gap: a long prefill or a recompute after an update takes some, not so many."""
SUSPECT_FLOOR_S = 5.0
"""No shorter silence is suspicious: reports come by the second, and machines pause."""
LEAVE_S = 5.0
"""Before a node's deadline its unfinished work is given up: time to tell the others and end the process."""


@dataclass(frozen=True)
class Patience:
    """Seconds after which a worker is lost."""

    wait_s: float
    """Of silence, with work."""
    join_s: float
    """For a place in the cluster, which may have to grow."""
    load_s: float
    """For process and model."""
    sync_s: float
    """For taking weights and proving them."""


class HealthVerdict(Enum):
    """What to do about a worker."""

    WELL = auto()
    SILENT = auto()
    LEAVE = auto()
    LOST = auto()


@dataclass(frozen=True)
class HealthJudgement:
    """A verdict, and what to say of it."""

    verdict: HealthVerdict
    why: str = ""


WELL = HealthJudgement(HealthVerdict.WELL)


def judge(
    slot: Slot, now: float, busy: bool, patience: Patience, leaving: Mapping[str, float] | None = None
) -> HealthJudgement:
    """``busy``: it has work. ``leaving``: nodes that are to go, and when, on the clock of ``now``."""
    deadline = None if slot.node is None or leaving is None else leaving.get(slot.node)
    if slot.state is SlotState.GONE:
        return WELL
    if deadline is not None:
        return _on_leaving_node(slot, now, deadline)
    if slot.state in {SlotState.JOINING, SlotState.LOADING, SlotState.SYNCING}:
        return _on_the_way(slot, now, patience)
    return _at_work(slot, now, patience) if busy else WELL


def _on_the_way(slot: Slot, now: float, patience: Patience) -> HealthJudgement:
    what, limit = {
        SlotState.JOINING: ("no place in the cluster", patience.join_s),
        SlotState.LOADING: ("not loaded", patience.load_s),
        SlotState.SYNCING: ("no proof of the weights", patience.sync_s),
    }[slot.state]
    return (
        HealthJudgement(HealthVerdict.LOST, f"{what} within {limit:.0f} s")
        if now - slot.since > limit
        else WELL
    )


def _at_work(slot: Slot, now: float, patience: Patience) -> HealthJudgement:
    silence = now - slot.progress.at
    if silence > patience.wait_s:
        return HealthJudgement(HealthVerdict.LOST, f"no token for {silence:.0f} s, with work")
    usual = slot.progress.gap_s
    if slot.state is not SlotState.DRAINING and silence > max(SUSPECT_FLOOR_S, SUSPECT_GAPS * usual):
        return HealthJudgement(HealthVerdict.SILENT, f"no token for {silence:.1f} s, usually {usual:.1f}")
    return WELL


def _on_leaving_node(slot: Slot, now: float, deadline: float) -> HealthJudgement:
    if now >= deadline - LEAVE_S or slot.state not in (*MEMBERS, SlotState.DRAINING):
        return HealthJudgement(HealthVerdict.LOST, f"node {slot.node} leaves")
    if slot.state is SlotState.DRAINING:
        return WELL
    return HealthJudgement(HealthVerdict.LEAVE, f"node {slot.node} leaves in {deadline - now:.0f} s")
