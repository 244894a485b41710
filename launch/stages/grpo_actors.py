"""The actors of the GRPO stage beside its rollout workers: learner, reference, reward pool; and all being up.

Collaborators: ``grpo`` wires the loop to them, ``grpo_rollouts`` starts the engines, ``placed`` says where
they sit. Constructors return while their actors start, so that all start side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from psyche_rl.run_context import StageContext

if TYPE_CHECKING:
    from actors.learner.group import LearnerGroup
    from actors.placement.reserve import Places
    from actors.scoring.pool import PoolClient
    from psyche_rl.config.grpo import RewardConfig
    from psyche_rl.loops.protocols import ReferenceModel
    from rewards import Reward


@contextmanager
def learner_and_reference(
    model: str, updates: int, places: Places
) -> Iterator[tuple[LearnerGroup, ReferenceModel | None]]:
    """The learner, and the reference where the KL needs one."""
    from actors.learner.group import LearnerGroup
    from actors.learner.reference import ReferencePool
    from psyche_rl.learner.schedule import OptimSettings

    grpo = places.config.grpo
    optim = OptimSettings(
        lr=grpo.lr, schedule="constant", total_steps=updates, warmup_steps=grpo.warmup_steps
    )
    with ExitStack() as stack:
        learner = LearnerGroup(
            model,
            grpo.learner,
            optim,
            wait_s=grpo.wait_s,
            with_reference=grpo.reference_in_ranks,
            lora=places.config.adapters,
            places=places.of("learner"),
            served_dtype=None if grpo.engine.dtype == "auto" else grpo.engine.dtype,
        )
        stack.callback(learner.shutdown)
        reference: ReferenceModel | None = learner.reference if grpo.reference_in_ranks else None
        if grpo.reference_in_pool:
            pool = ReferencePool(
                model, grpo.learner, grpo.reference_workers, wait_s=grpo.wait_s, places=places.of("reference")
            )
            stack.callback(pool.shutdown)
            reference = pool
        yield learner, reference


def reward_scorers(config: RewardConfig, reward: Reward) -> PoolClient:
    """The named pool of the cluster, or one of the run's own."""
    from actors.scoring.named_pools import attach
    from actors.scoring.pool import RewardPool

    if config.pool is not None:
        return attach(config.pool, reward.fingerprint())
    return RewardPool(
        reward,
        workers=config.workers,
        timeout_s=config.timeout_s,
        max_workers=config.max_workers,
        memory_mib=config.memory_mib,
    )


def ready(
    context: StageContext,
    stack: ExitStack,
    rollouts: Any,
    scorers: PoolClient,
    learner: LearnerGroup,
    reference: Any,
) -> None:
    """Wait for all actors, which start side by side, and say meanwhile who is not there yet."""
    from psyche_rl.progress import awaiting

    told = {"reward_pool": "starting"}
    with awaiting(context.events, "grpo: actors", lambda: _there(rollouts, learner, reference) | told):
        stack.enter_context(rollouts)
        scorers.ready()
        told["reward_pool"] = "up"
        learner.ready()
        if reference is not None:
            reference.ready()


def _there(rollouts: Any, learner: LearnerGroup, reference: Any) -> dict[str, str]:
    """How many of each kind of actor are up, ``1 of 2``, of those that load a model."""
    told = {"engines": rollouts.up(), "learner_ranks": learner.up()}
    if reference is not None and not isinstance(reference, type(learner.reference)):
        told["reference"] = reference.up()
    return {name: f"{there} of {of}" for name, (there, of) in told.items()}
