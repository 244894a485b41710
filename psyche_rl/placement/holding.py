"""What each device and each host of a stage's plan holds, by who sits there. Pure.

Collaborators: ``memory`` knows what one process holds; ``reservations`` where it sits.
Invariant: on a machine without GPUs everything is on the host, and nothing on a device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psyche_rl.config import RunConfig
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.keys import value_at
from psyche_rl.placement.cluster_shape import GIB, ClusterShape, Node
from psyche_rl.placement.memory import (
    BYTES,
    MOVING,
    PROCESSES,
    REWARD_WORKER,
    Term,
    Terms,
    engine_host_terms,
    engine_terms,
    frozen_terms,
    learner_host_terms,
    learner_terms,
    publishing_terms,
)
from psyche_rl.placement.model_size import ModelSize
from psyche_rl.placement.reservations import Seat, Spot, Spots

ENGINES = {
    # Role -> the section of its engines' settings.
    "teacher engine": "teacher.vllm",
    "selector engine": "select.engine",
    "rollout worker": "grpo.engine",
    "engine": "eval.engine",
}
Device = tuple[int, int]
"""Node and GPU."""
Held = tuple[tuple[str, Terms], ...]
"""Role -> what one of it holds; a role stands there as often as it sits there."""


def spots_of(seat: Seat, spots: Spots) -> tuple[Spot, ...]:
    """Of the bundles that it sits in."""
    return tuple(spots[seat.group][bundle] for bundle in seat.bundles) if seat.group else ()


def on_devices(
    config: RunConfig, stage: str, size: ModelSize, seats: Sequence[Seat], spots: Spots, shape: ClusterShape
) -> dict[Device, Held]:
    """Device -> what it holds, in the order of nodes and GPUs."""
    ranks = sum(seat.role == "learner" for seat in seats)
    sleeps = stage == "grpo" and config.grpo.sleep_level > 0
    held: dict[Device, list[tuple[str, Terms]]] = {}
    for seat in seats:
        for spot in spots_of(seat, spots):
            terms = _device_terms(config, stage, size, seat.role, ranks, shape.nodes[spot.node])
            for gpu in spot.gpus:
                held.setdefault((spot.node, gpu), []).append((seat.role, terms))
    return {device: taking_turns(held[device]) if sleeps else tuple(held[device]) for device in sorted(held)}


def on_hosts(
    config: RunConfig, stage: str, size: ModelSize, seats: Sequence[Seat], spots: Spots, shape: ClusterShape
) -> dict[int, Held]:
    """Node -> what its host holds; what the driver's node has alone is counted on the first."""
    ranks, on_gpu = sum(seat.role == "learner" for seat in seats), bool(spots)
    held: dict[int, list[tuple[str, Terms]]] = {}
    for seat in seats:
        node = spots_of(seat, spots)[0].node if on_gpu else 0
        terms = _host_terms(config, stage, size, seat.role, ranks, on_gpu)
        if not on_gpu:
            terms += _without_cuda(_device_terms(config, stage, size, seat.role, ranks, Node()))
        held.setdefault(node, []).append((seat.role, terms))
    if stage == "grpo":
        gathered, stored = publishing_terms(size, BYTES[config.grpo.learner.dtype])
        for entries in held.values():
            entries.append(("Ray", stored))
        learner = next((seat for seat in seats if seat.role == "learner"), None)
        first = spots_of(learner, spots)[0].node if learner is not None and on_gpu else 0
        held[first].append(("learner", gathered))
        workers = config.grpo.reward.workers
        term = Term(PROCESSES, workers * REWARD_WORKER, "grpo.reward.workers")
        held.setdefault(0, []).append(("reward workers", (term,)))
    return {node: tuple(held[node]) for node in sorted(held)}


def taking_turns(held: Sequence[tuple[str, Terms]]) -> Held:
    """What a device holds whose engine sleeps while the learner trains: of the memory that each wants for
    its own turn alone, the larger is counted."""
    engine = sum(
        t.size for role, terms in held if role == "rollout worker" for t in terms if t.what != "CUDA"
    )
    moving = sum(t.size for role, terms in held if role == "learner" for t in terms if t.what in MOVING)
    turns = Term("less, taking turns", -min(engine, moving), "grpo.sleep_level")
    return tuple((role, (*terms, turns) if role == "rollout worker" else terms) for role, terms in held)


def summed(held: Held) -> Mapping[str, int]:
    """Role -> bytes, of all of it that sit there."""
    sums: dict[str, int] = {}
    for role, terms in held:
        sums[role] = sums.get(role, 0) + sum(term.size for term in terms)
    return sums


def _device_terms(config: RunConfig, stage: str, size: ModelSize, role: str, ranks: int, node: Node) -> Terms:
    if role == "learner":
        if stage == "world":  # a learner for itself in each lane
            return learner_terms(size, config.learner, 1, reference=False, section="world")
        section = config.sft if stage == "sft" else config.grpo
        with_reference = stage == "grpo" and config.grpo.reference_in_ranks
        return learner_terms(size, section.learner, ranks, with_reference, stage)
    if role == "reference":
        return frozen_terms(size, config.grpo.learner)
    engine: EngineConfig = value_at(config, ENGINES[role])
    return engine_terms(size, engine, engine.parallel, int(node.gpu_gib * GIB), ENGINES[role])


def _host_terms(config: RunConfig, stage: str, size: ModelSize, role: str, ranks: int, on_gpu: bool) -> Terms:
    if role == "learner":
        alone = stage == "world"
        settings = config.learner if alone else getattr(config, stage).learner
        return learner_host_terms(size, settings, 1 if alone else ranks, on_gpu)
    parallel = 1 if role == "reference" else value_at(config, ENGINES[role]).parallel
    return engine_host_terms(size, parallel, on_gpu)


def _without_cuda(terms: Terms) -> Terms:
    return tuple(term for term in terms if term.what != "CUDA")
