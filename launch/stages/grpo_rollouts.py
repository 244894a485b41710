"""The rollout workers of the GRPO stage: a fixed pool in sync mode, else an elastic stream beside training.

Collaborators: ``actors.rollout`` (pool and stream), ``placed`` (where workers sit),
``psyche_rl.fleet.sizing`` (how many there should be).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from launch.stages.worker_seats import WorkerSeats
from psyche_rl.config.rollout_workers import ElasticWorkers

if TYPE_CHECKING:
    from actors.learner.group import LearnerGroup
    from actors.placement.reserve import Places
    from actors.rollout.board import RunSide
    from actors.rollout.pool import RolloutPool
    from actors.rollout.stream import RolloutStream
    from psyche_rl.config.grpo import GrpoConfig
    from psyche_rl.fleet.sizing import Scaling
    from psyche_rl.ledger.ledger import Ledger
    from psyche_rl.store import RunStore

ROLE = "rollout worker"


@dataclass(frozen=True)
class Users:
    """What outlasts a new start of the stage: the number of workers that a user wants until his next
    word, and the board that he looks at and asks by."""

    asked: int | None = None
    board: RunSide | None = None


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
        sleep_level=grpo.sleep_level if grpo.placement == "colocated" else 0,
    )


def rollout_stream(
    model: str,
    store: RunStore,
    places: Places,
    stated: GrpoConfig,
    ledger: Ledger,
    say: Callable[..., None],
    users: Users,
) -> RolloutStream:
    """Workers that go on while the learner trains, and come and go.

    ``stated``: as the user wrote it; ``users``: what is kept for him of an earlier start.
    """
    import ray

    from actors.rollout.board import RunSide
    from actors.rollout.stream import RolloutStream
    from psyche_rl.fleet.health import Patience
    from psyche_rl.weights.transport import checksum_due

    store.write_json("grpo/fleet.json", {"address": ray.get_runtime_context().gcs_address})
    grpo, cluster = places.config.grpo, places.config.cluster
    seats = WorkerSeats(model, grpo.engine, places, ROLE)
    gpus = grpo.engine.parallel
    return RolloutStream(
        seats.new_worker,
        _scaling(stated, len(places.of(ROLE)), places.plan.on_gpu, users.asked),
        ledger=ledger,
        cap=grpo.engine.max_num_seqs,
        wait_s=grpo.wait_s,
        patience=Patience(grpo.wait_s, max(cluster.wait_s, cluster.grow_wait_s), grpo.wait_s, grpo.wait_s),
        room=lambda: places.room(gpus) if places.plan.on_gpu else None,
        say=say,
        end_worker=seats.end_worker,
        board=users.board or RunSide(store.url),
        checked=lambda version: checksum_due(version, grpo.checksum_every, places.plan.on_gpu),
    )


def publish_by_the_way_asked_for(learner: LearnerGroup, places: Places, say: Callable[..., None]) -> None:
    """Choose how weights travel; what was asked for and cannot be used is said."""
    from psyche_rl.weights.transport import Backend, choose_backend

    grpo, on_gpu = places.config.grpo, places.plan.on_gpu
    asked: Backend | Literal["auto"] = "auto"
    if grpo.weight_backend != "auto":
        asked = Backend(grpo.weight_backend)
    backend = choose_backend(asked, grpo.placement == "colocated", on_gpu, fixed=not grpo.staleness)
    if backend is not Backend.OBJECT_STORE:
        learner.publish_directly(backend, grpo.engine.parallel)
    if asked not in ("auto", backend):
        say("grpo: weight_backend not used, there are no GPUs", asked=asked, used=backend)
    if grpo.sleep_level and not on_gpu:
        say("grpo: sleep_level not used, there are no GPUs", asked=grpo.sleep_level)


def _scaling(stated: GrpoConfig, at_start: int, on_gpu: bool, asked: int | None) -> Scaling:
    from psyche_rl.fleet.sizing import AllTheClusterHas, Between, Fixed, Scaling

    workers = stated.rollout_workers
    if isinstance(workers, ElasticWorkers):
        return Scaling(Between(workers.min, workers.max), asked)
    return Scaling(AllTheClusterHas() if workers == "auto" and on_gpu else Fixed(at_start), asked)
