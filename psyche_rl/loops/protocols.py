"""What the GRPO loop asks of its components; ``actors`` implements these with Ray.

Components never see the loop: it holds them, calls them in order and passes data between them.
``version`` is the weight version at hand; errors of remote waits name it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from psyche_rl.learner.backward import Backward
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.sequence import PolicySequence, TokenSequence
from psyche_rl.loops.checkpoints import SavesState
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.sampling import PLAIN, Sampling
from psyche_rl.timeline.lane import LaneSpan
from rewards import RewardSample, Score


class Rollouts(Protocol):
    """A pool of rollout engines that all serve one weight version."""

    def generate(
        self, requests: Sequence[GenerationRequest], version: int, counted: bool = False
    ) -> list[list[Sample]]:
        """``n`` samples for each request, in the order given, sampled at ``version``.

        ``counted``: the ledger is told of them, by the worker that made them.
        """
        ...

    def publish(self, weights: Any, version: int) -> str:
        """Serve ``weights`` (of :meth:`PolicyLearner.weights`) as ``version``; returns their checksum."""
        ...

    def lanes(self) -> list[LaneSpan]:
        """What the workers did since the last call, as far as they have told."""
        ...


class RestingRollouts(Rollouts, Protocol):
    """Engines that take turns with the learner."""

    def rest(self) -> None:
        """Nothing is asked of them before the next publish: memory that others want can be given back."""
        ...


class StreamedRollouts(Rollouts, Protocol):
    """Engines that go on while others train; each group has its future."""

    def submit(self, request: GenerationRequest) -> Future[tuple[Sample, ...]]:
        """Have the ``n`` samples of a request generated; they may be of several versions."""
        ...

    def unfinished(self) -> AbstractContextManager[Mapping[str, int]]:
        """Response tokens that there are of each group whose future is open; none comes or goes within."""
        ...

    @property
    def free(self) -> int:
        """Samples that could be started at once."""
        ...

    def when_free(self, act: Callable[[], None]) -> None:
        """From now on call ``act``, which raises nothing, whenever some could be; from some other thread."""
        ...

    def metrics(self) -> Mapping[str, float]:
        """``workers/<state>``, ``fleet/<figure>``."""
        ...

    def waited(self, seconds: float) -> None:
        """The learner had nothing to do for so long; what scales may use it."""
        ...


class Scorers(Protocol):
    """A pool of reward workers."""

    def score(self, samples: Sequence[RewardSample], version: int) -> list[Score]:
        """One score or typed error for each sample, in the order given."""
        ...


class ReferenceModel(Protocol):
    """The frozen policy of the KL term."""

    def ask(
        self, sequences: Sequence[TokenSequence], temperature: float = 1.0, version: int | None = None
    ) -> Callable[[], list[np.ndarray]]:
        """Begin to compute, and return; the call that is returned waits for one array [response] of nats for
        each sequence."""
        ...


class LogprobModel(Protocol):
    """A policy that can tell how likely given responses are."""

    def logprobs(
        self, sequences: Sequence[TokenSequence], sampling: Sampling = PLAIN, version: int | None = None
    ) -> list[np.ndarray]:
        """One array [response] of nats for each sequence, of what ``sampling`` draws from; -inf for a token
        that its filters leave out."""
        ...


class PolicyLearner(LogprobModel, SavesState, Protocol):
    """The trained policy."""

    def policy_backward(
        self, sequences: Sequence[PolicySequence], objective: PolicyObjective, version: int | None = None
    ) -> Backward:
        """The gradient of a mini-batch; log-probabilities as it saw them, and metrics."""
        ...

    def optimizer_step(self, version: int | None = None) -> dict[str, float]:
        """Apply that gradient; returns metrics."""
        ...

    def weights(self, version: int) -> Any:
        """What :meth:`Rollouts.publish` takes: the weights of now, which are those of ``version``."""
        ...
