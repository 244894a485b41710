"""What passes between a stream of rollouts and its workers.

Data only. Collaborators: ``actors.rollout`` (stream, worker), ``loops.producer``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.timeline.lane import Stretch


@dataclass(frozen=True)
class SampleOrder:
    """Sample ``index`` of ``request``, to be generated for the ``attempt``-th time (from 1). ``key`` comes
    back with it."""

    key: int
    request: GenerationRequest
    index: int
    attempt: int


@dataclass(frozen=True)
class Delivery:
    """What a worker hands out: samples by the key of their order, and how far it is."""

    samples: tuple[tuple[int, Sample], ...]
    steps: int
    """Engine steps since it started."""
    handed_out: int
    """Samples since it started, by its own count."""
    lane: tuple[Stretch, ...] = ()
    """What it did since it last told."""


@dataclass
class UnfinishedGroup:
    """A group that is not complete yet; ``counted``: the ledger is told of its samples."""

    request: GenerationRequest
    counted: bool
    future: Future[tuple[Sample, ...]] = field(default_factory=Future)
    samples: dict[int, Sample] = field(default_factory=dict)
    attempts: Counter[int] = field(default_factory=Counter)
    """How often each sample was given out."""


class GroupGivenUpError(RuntimeError):
    """A group at which workers keep dying. ``lengths``: response tokens of the samples there are, by id."""

    def __init__(self, group: str, lengths: Mapping[str, int]) -> None:
        super().__init__(f"group {group}: workers keep dying at it")
        self.lengths = dict(lengths)
