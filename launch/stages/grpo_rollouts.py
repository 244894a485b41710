"""The rollout workers of the GRPO stage: a fixed pool in sync mode, else an elastic stream beside training.

Collaborators: ``actors.rollout`` (pool and stream), ``placed`` (where workers sit),
``psyche_rl.fleet.sizing`` (how many there should be).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

from psyche_rl.config.rollout_workers import ElasticWorkers

if TYPE_CHECKING:
    from actors.placement.reserve import Places
    from actors.rollout.pool import RolloutPool
    from actors.rollout.stream import RolloutStream
    from psyche_rl.config.grpo import GrpoConfig
    from psyche_rl.fleet.sizing import Scaling
    from psyche_rl.ledger.ledger import Ledger
    from psyche_rl.store import RunStore

ROLE = "rollout worker"


def rollout_pool(model: str, places: Places, ledger: Ledger, say: Callable[..., None]) -> RolloutPool:
    """Workers that take turns with the learner."""
    from actors.rollout.pool import RolloutPool

    grpo, seats = places.config.grpo, places.of(ROLE)
    return RolloutPool(
        model,
        grpo.engine,
        len(seats),
        wait_s=grpo.wait_s,
        say=say,
        places=seats,
        ledger=ledger,
        checksum_every=grpo.checksum_every,
    )


def rollout_stream(
    model: str, store: RunStore, places: Places, stated: GrpoConfig, ledger: Ledger, say: Callable[..., None]
) -> RolloutStream:
    """Workers that go on while the learner trains, and come and go; ``stated``: as the user wrote it."""
    import ray

    from actors.rollout.stream import RolloutStream
    from psyche_rl.fleet.health import Patience
    from psyche_rl.weights.transport import checksum_due

    store.write_json("grpo/fleet.json", {"address": ray.get_runtime_context().gcs_address})
    grpo, cluster = places.config.grpo, places.config.cluster
    seats = _Seats(model, places)
    gpus = grpo.engine.parallel
    return RolloutStream(
        seats.new_worker,
        _scaling(stated, len(places.of(ROLE)), places.plan.on_gpu),
        ledger=ledger,
        cap=grpo.engine.max_num_seqs,
        wait_s=grpo.wait_s,
        patience=Patience(grpo.wait_s, max(cluster.wait_s, cluster.grow_wait_s), grpo.wait_s, grpo.wait_s),
        room=lambda: places.room(gpus) if places.plan.on_gpu else None,
        say=say,
        end_worker=seats.end_worker,
        run_url=store.url,
        checked=lambda version: checksum_due(version, grpo.checksum_every, places.plan.on_gpu),
    )


class _Seats:
    """Gives each worker its place, first those that the stage began with, and takes it back."""

    def __init__(self, model: str, places: Places) -> None:
        self._model, self._places, self._grpo = model, places, places.config.grpo
        self._free = list(enumerate(places.of(ROLE)))
        self._numbers = count(len(self._free))
        self._of: dict[int, int] = {}

    def new_worker(self, version: int) -> Any:
        from actors.rollout.worker import start_worker

        engine = self._grpo.engine
        if self._free:
            number, place = self._free.pop(0)
        else:
            number = next(self._numbers)
            place = self._places.joiner(ROLE, number, engine.parallel, wait=False)
        actor = start_worker(self._model, engine, version, place)
        self._of[id(actor)] = number
        return actor

    def end_worker(self, actor: Any) -> None:
        import ray

        ray.kill(actor)
        self._places.leave(ROLE, self._of.pop(id(actor)))


def _scaling(stated: GrpoConfig, at_start: int, on_gpu: bool) -> Scaling:
    from psyche_rl.fleet.sizing import AllTheClusterHas, Between, Fixed, Scaling

    workers = stated.rollout_workers
    if isinstance(workers, ElasticWorkers):
        return Scaling(Between(workers.min, workers.max))
    return Scaling(AllTheClusterHas() if workers == "auto" and on_gpu else Fixed(at_start))
