"""What a stream does for its workers once a second: who is ill, who is to come or to go.

Role: asks the pure policies of ``psyche_rl.fleet`` and carries out what they say.
Collaborators: ``crew`` (processes), ``health`` and ``scaling`` (policies), ``board`` (what users see and
want), Ray's list of nodes that leave.
Invariants:
- Membership changes wait until a publish is over; the fleet holds them back.
- A decision is carried out by what is there at that moment, so a lost worker is replaced.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from actors.placement.live_cluster import live_state
from actors.rollout.board import FleetPicture, RunSide, WorkerRow
from actors.rollout.crew import Crew
from psyche_rl.fleet.dispatcher import Dispatcher
from psyche_rl.fleet.health import HealthVerdict, Patience, judge
from psyche_rl.fleet.sizing import FleetLoad, Scaling
from psyche_rl.fleet.slot import SlotState

TURN_S = 1.0
COMING = (SlotState.JOINING, SlotState.LOADING)


class Upkeep:
    """Of one crew."""

    def __init__(
        self,
        crew: Crew,
        dispatcher: Dispatcher,
        scaling: Scaling,
        patience: Patience,
        room: Callable[[], int | None],
        say: Callable[..., None],
        board: RunSide | None = None,
    ) -> None:
        self._crew, self._fleet, self._dispatcher = crew, crew.fleet, dispatcher
        self._scaling, self._patience, self._room, self._say = scaling, patience, room, say
        self._last = self._began = time.monotonic()
        self._waited_s = self._idle_s = self._served_s = 0.0
        self._shares = (0.0, 0.0)
        self._target, self._why, self._board = 0, "", board

    def turn(self) -> list[tuple[int, str]]:
        """Once a second, look after everybody; returns who is lost, and why."""
        now = time.monotonic()
        if now - self._last < TURN_S:
            return []
        serving = self._fleet.takes_work
        self._served_s += (now - self._last) * len(serving)
        self._idle_s += (now - self._last) * sum(not self._dispatcher.load(slot) for slot in serving)
        self._last = now
        lost = self._judge(now)
        if not self._fleet.publishing:
            self._end_drained(now)
            self._crew.sync_joiners()
            self.scale()
        self._turn_to_board(now)
        return lost

    def learner_waited(self, seconds: float) -> None:
        """The learner had nothing to do for so long."""
        self._waited_s += seconds

    def ask(self, workers: int | None) -> str:
        """What a user wants from now on; returns what holds."""
        decision = self._scaling.ask(workers)
        self._say("rollout: scale", workers="by policy" if workers is None else workers)
        return "as the policy says" if decision is None else f"{decision.target} workers: {decision.why}"

    def scale(self) -> None:
        """Have as many workers as there should be."""
        now = time.monotonic()
        spent = max(now - self._began, 1e-9)
        self._shares = (self._waited_s / spent, self._idle_s / max(self._served_s, 1e-9))
        staying = self._fleet.staying
        coming = sum(self._fleet.slot(id).state in COMING for id in staying)
        waiting, idle = (min(1.0, share) for share in self._shares)
        decision = self._scaling.decide(FleetLoad(now, len(staying), coming, waiting, idle, self._room()))
        if spent > TURN_S:
            self._began, self._waited_s, self._idle_s, self._served_s = now, 0.0, 0.0, 0.0
        if decision.target != self._target:
            self._say("rollout: workers wanted", workers=decision.target, why=decision.why)
            self._target = decision.target
        self._why = decision.why
        if decision.target > len(staying):
            self._crew.join(decision.target - len(staying))
        for slot in self._fleet.surplus(decision.target):
            self._fleet.drain(slot, now, decision.why)
            if self._fleet.slot(slot).state is SlotState.GONE:
                self._crew.end(slot)

    def metrics(self) -> Mapping[str, float]:
        """``workers/<state>``, and of the whole ``fleet/…``: who left, and the share of idle time."""
        counts = {f"workers/{name}": float(n) for name, n in self._fleet.counts().items() if name != "gone"}
        gone = [slot for slot in self._fleet.slots if slot.state is SlotState.GONE and slot.why]
        _, idle = self._shares
        return {**counts, "fleet/left": float(len(gone)), "fleet/idle_share": min(1.0, idle)}

    # -- inside --------------------------------------------------------------------------------
    def _turn_to_board(self, now: float) -> None:
        if self._board is None:
            return
        rows = tuple(
            WorkerRow(
                slot.id, slot.state.value, now - slot.since, slot.node or "", self._crew.pids.get(slot.id),
                slot.served.version if slot.served else None, self._dispatcher.load(slot.id),
                slot.progress.tokens,
            )
            for slot in self._fleet.slots
            if slot.state is not SlotState.GONE
        )  # fmt: skip
        picture = FleetPicture(self._fleet.version, self._target, self._why, self._dispatcher.queued, rows)
        for number, workers in self._board.exchange(picture):
            self._board.answer(number, self.ask(workers))

    def _judge(self, now: float) -> list[tuple[int, str]]:
        leaving = _leaving_nodes(now)
        lost = []
        for slot in self._fleet.slots:
            if slot.state is SlotState.GONE:
                continue
            found = judge(slot, now, bool(self._dispatcher.load(slot.id)), self._patience, leaving)
            if found.verdict is HealthVerdict.LOST:
                lost.append((slot.id, found.why))
            elif found.verdict is HealthVerdict.LEAVE:
                self._fleet.drain(slot.id, now, found.why)
            elif found.verdict is HealthVerdict.SILENT and slot.state is SlotState.SERVING:
                self._say("rollout: worker is silent", worker=slot.id, why=found.why)
                self._fleet.silent(slot.id, now)
        return lost

    def _end_drained(self, now: float) -> None:
        for slot in self._fleet.slots:
            if slot.state is SlotState.DRAINING and not self._dispatcher.load(slot.id):
                self._fleet.drained(slot.id, now)
                self._crew.end(slot.id)


def _leaving_nodes(now: float) -> dict[str, float]:
    """Nodes that Ray is to take away, and when, on the clock of ``now``."""
    ahead = now - time.time()
    nodes = live_state().get_draining_nodes()
    return {node: at / 1000 + ahead if at else math.inf for node, at in nodes.items()}
