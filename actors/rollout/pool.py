"""A pool of rollout workers behind one ``generate``.

Role: implements ``psyche_rl.loops.protocols.Rollouts``.
Collaborators: ``actors.rollout.worker`` (one engine each), ``psyche_rl.rollout.dispatch`` (who gets what),
``actors.waits`` (every wait has an end).
Invariants:
- A slot's part of a call depends on the number of requests and slots alone, never on timing.
- A lost or hanging worker is replaced in its slot and its whole part generated again, so nothing is lost or
  counted twice.
- A worker takes no work until it has proved the pool's version and checksum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ray

from actors.placement.place import ANYWHERE, Place
from actors.rollout.worker import ServedProof, start_worker
from actors.there import how_many
from actors.waits import Waiting, wait
from psyche_rl.config.engine import EngineConfig
from psyche_rl.errors import RemoteWaitError, WeightSyncError
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.dispatch import assign, collect
from psyche_rl.rollout.engine import Weights
from psyche_rl.rollout.part_tally import PartTally
from psyche_rl.timeline.lane import LaneSpan, of_worker
from psyche_rl.weights.transport import DirectTransport, checksum_due, hex_digits

# A slot that loses this many workers over one piece of work has a cause that replacing does not cure.
_ATTEMPTS = 3


@dataclass(frozen=True)
class PoolReport:
    """What the pool went through so far, for metrics."""

    workers: int
    replaced: int
    """Workers that were lost or hung and were replaced since ``start``."""


@dataclass(frozen=True)
class _Current:
    """What every worker must serve; ``weights`` and ``checksum`` are None for the model folder's own."""

    version: int
    weights: ray.ObjectRef | DirectTransport | None = None
    checksum: int | None = None


class RolloutPool:
    """``workers`` vLLM engines that all serve the same weights (also a context manager: start, stop)."""

    def __init__(
        self,
        model_dir: str,
        engine: EngineConfig,
        workers: int,
        *,
        wait_s: float = 600.0,
        say: Callable[..., None] | None = None,
        places: Sequence[Place] = (),
        checksum_every: int | None = None,
        ledger: Ledger | None = None,
        sleep_level: int = 0,
    ) -> None:
        """``model_dir``: Hugging Face folder or name; ``wait_s``: deadline of each remote wait, in seconds;
        ``say``: ``Events.say`` or alike, told of replacements; ``places``: of the workers, by slot; none
        where nothing was planned; ``checksum_every``: versions between checksums (see ``checksum_due``);
        ``sleep_level``: of :meth:`rest`, on GPU; ``ledger``: told of each worker's samples where that is
        asked for."""
        self._ledger = ledger
        self._checksum_every = checksum_every
        self._model_dir, self._engine, self._slots = model_dir, engine, workers
        self._places = tuple(places)
        self._on_gpu = any(place.on_gpu for place in places)
        self._sleep_level = sleep_level if self._on_gpu else 0
        self._direct_failures = 0
        self._wait_s, self._say = wait_s, say or (lambda *_, **__: None)
        self._workers: list[Any] = []
        self._pids: list[int] = []
        self._names: list[int] = []
        """Of the workers, by slot: a replacement is another worker."""
        self._current = _Current(version=0)
        self._replaced = 0
        self._lanes: list[LaneSpan] = []
        self._loading: list[ray.ObjectRef] = []

    def start(self, version: int = 0) -> None:
        """Start all engines (side by side) on the weights in ``model_dir``, known as ``version``.

        Raises:
            ModelError: the folder cannot be served.
            RemoteWaitError: an engine did not come up in time.
        """
        self._current = _Current(version)
        self._workers = [self._new_worker(slot) for slot in range(self._slots)]
        self._pids, self._names = [0] * self._slots, list(range(self._slots))
        self._loading = [worker.load.remote() for worker in self._workers]
        first = iter(self._loading)
        proofs: list[ServedProof] = self._on_all(
            "start", lambda slot: next(first, None) or self._workers[slot].load.remote()
        )
        self._pids = [self._proved(proof, slot) for slot, proof in enumerate(proofs)]

    def generate(
        self, requests: Sequence[GenerationRequest], version: int, counted: bool = False
    ) -> list[list[Sample]]:
        """``n`` samples for each request, in the order given, all sampled at weight ``version``.

        A lost or hanging worker is replaced and its part generated again; seeds in the requests make the
        samples the same. ``Sample.id`` is ``"<request id>/<index>"``. ``counted``: the ledger is told of
        what each worker hands out, and what is lost with it.

        Raises:
            WeightSyncError: the pool does not serve ``version``.
            RemoteWaitError: workers keep dying.
        """
        if version != self._current.version:
            raise WeightSyncError(f"the rollout pool serves version {self._current.version}, not {version}")
        parts = [[requests[i] for i in indices] for indices in assign(len(requests), self._slots)]
        tally = PartTally(self._ledger if counted else None, parts)

        def ask(slot: int) -> Any:
            tally.given(slot, self._names[slot])
            return self._workers[slot].generate.remote(parts[slot], version)

        results = self._on_all("generate", ask)
        for slot, groups in enumerate(results):
            tally.came(slot, groups)
        return collect(results, len(requests))

    def rest(self) -> None:
        """Have the engines give memory back until the next publish, where that was asked for."""
        if self._sleep_level:
            self._on_all("sleep", lambda slot: self._workers[slot].sleep.remote(self._sleep_level))

    def publish(
        self, weights: ray.ObjectRef | Weights | DirectTransport, version: int, checksum: int | None = None
    ) -> str:
        """Serve ``weights`` from now on, as ``version``; returns their checksum (hex digits; none where this
        version is not checked).

        One ObjectRef serves all workers and replacements (a mapping is put once). The pool keeps a
        reference until the next publish. Where a direct transport fails, its object is taken, and after some
        failures from then on. Every worker proves version and checksum before it takes work;
        without ``checksum`` the workers' must agree among themselves.

        Raises:
            WeightSyncError: a worker does not serve what it was given.
            RemoteWaitError: workers keep dying.
        """
        checked = checksum is not None or checksum_due(version, self._checksum_every, self._on_gpu)
        if isinstance(weights, DirectTransport):
            if (sent := self._sent_directly(weights, version, checked)) is not None:
                return sent
            ref = weights.as_object(version)
        else:
            ref = weights if isinstance(weights, ray.ObjectRef) else ray.put(dict(weights))
        self._current = _Current(version, ref, checksum)
        proofs: list[ServedProof] = self._on_all(
            "publish", lambda slot: self._workers[slot].update_weights.remote(ref, version, checked=checked)
        )
        self._current = _Current(version, ref, proofs[0].checksum if checksum is None else checksum)
        for slot, proof in enumerate(proofs):
            self._proved(proof, slot)
        self._note_lanes(proofs)
        return hex_digits(self._current.checksum)

    def _sent_directly(self, transport: DirectTransport, version: int, checked: bool) -> str | None:
        """The checksum, or None where it was not to be had this way."""
        if self._direct_failures >= _ATTEMPTS:
            return None
        try:
            proofs: list[ServedProof] = transport.publish(self._workers, version, checked)
        except (RemoteWaitError, WeightSyncError) as error:
            self._direct_failures += 1
            self._say("rollout: direct publish failed, object store taken", version=version, why=str(error))
            return None
        self._current = _Current(version, transport, proofs[0].checksum)
        self._note_lanes(proofs)
        return hex_digits(proofs[0].checksum)

    def _note_lanes(self, proofs: Sequence[ServedProof]) -> None:
        for worker, proof in zip(self._names, proofs, strict=True):
            self._lanes += of_worker(worker, proof.lane)

    def lanes(self) -> list[LaneSpan]:
        """What workers told of their time since the last call; they tell with each publish."""
        told, self._lanes = self._lanes, []
        return told

    def up(self) -> tuple[int, int]:
        """How many engines have loaded, and of how many."""
        return how_many(self._loading), self._slots

    def report(self) -> PoolReport:
        """Workers now, replacements so far."""
        return PoolReport(len(self._workers), self._replaced)

    def pids(self) -> tuple[int, ...]:
        """Process id of the worker in each slot (on its own node)."""
        return tuple(self._pids)

    def stop(self) -> None:
        """End all workers; harmless if already stopped."""
        for worker in self._workers:
            ray.kill(worker)
        self._workers, self._pids = [], []

    def __enter__(self) -> RolloutPool:
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    # -- one piece of work for each slot -------------------------------------------------------
    def _on_all(self, phase: str, ask: Callable[[int], Any]) -> list[Any]:
        refs = [ask(slot) for slot in range(self._slots)]
        return [self._answer(slot, phase, ref, ask) for slot, ref in enumerate(refs)]

    def _answer(self, slot: int, phase: str, ref: Any, ask: Callable[[int], Any]) -> Any:
        lost: RemoteWaitError | None = None
        for _ in range(_ATTEMPTS):
            try:
                if lost is not None:
                    self._replace(slot, lost)
                    ref = ask(slot)
                return wait(ref, self._waiting(slot, phase))
            except RemoteWaitError as error:
                lost = error
        raise lost or self._waiting(slot, phase).failed("never asked")

    def _replace(self, slot: int, lost: RemoteWaitError) -> None:
        self._replaced += 1
        self._say("rollout: worker lost, replaced", slot=slot, why=str(lost))
        ray.kill(self._workers[slot])
        self._names[slot] = self._slots - 1 + self._replaced
        worker = self._workers[slot] = self._new_worker(slot)
        proof = wait(worker.load.remote(), self._waiting(slot, "restart"))
        if self._current.weights is not None:
            checked, weights = self._current.checksum is not None, self._current.weights
            if isinstance(weights, DirectTransport):
                weights = weights.as_object(self._current.version)
            update = worker.update_weights.remote(weights, self._current.version, checked=checked)
            proof = wait(update, self._waiting(slot, "resync"))
        self._pids[slot] = self._proved(proof, slot)

    def _new_worker(self, slot: int) -> Any:
        place = self._places[slot] if slot < len(self._places) else ANYWHERE
        sleeps = self._sleep_level > 0
        return start_worker(self._model_dir, self._engine, self._current.version, place, sleeps)

    def _proved(self, proof: ServedProof, slot: int) -> int:
        wanted = (self._current.version, self._current.checksum)
        known = self._current.checksum is not None or self._current.weights is None
        if proof.version != wanted[0] or (known and proof.checksum != wanted[1]):
            raise WeightSyncError(
                f"rollout worker {slot} (pid {proof.pid}) serves version {proof.version} with checksum "
                f"{proof.checksum}, published were version {wanted[0]} with checksum {wanted[1]}"
            )
        return proof.pid

    def _waiting(self, slot: int, phase: str) -> Waiting:
        return Waiting(f"rollout worker {slot}", phase, self._current.version, self._wait_s)


if TYPE_CHECKING:  # held against what the core asks
    from psyche_rl.loops.protocols import RestingRollouts

    _: type[RestingRollouts] = RolloutPool
