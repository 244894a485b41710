"""Reference models of the KL term in a pool of their own, for where the learner's ranks have no room.

Collaborators: the learner's forward pass (``psyche_rl.learner.frozen``), so that policy and reference
differ in weights only.
Invariants:
- Every member holds a whole model; a call is split over those that there are.
- A member that is lost is replaced, and its part computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import ray

from actors.learner.group import joined, learner_options
from actors.learner.shipment import Shipment
from actors.placement.place import ANYWHERE, Place
from actors.there import how_many
from actors.waits import Waiting, wait
from psyche_rl.config.learner import LearnerConfig
from psyche_rl.errors import RemoteWaitError
from psyche_rl.learner.packing import Layout
from psyche_rl.learner.rank_split import split_sequences
from psyche_rl.learner.sequence import TokenSequence

_ATTEMPTS = 3
"""Members that one piece of work may cost; replacing does not cure what ends that many."""


class _Frozen:
    """The actor: the frozen model on its device."""

    def open(self, model_dir: str, config: LearnerConfig) -> None:
        """Load the model (apart from construction, so that its errors come back as themselves)."""
        import torch

        if config.threads is not None:
            torch.set_num_threads(config.threads)
        from psyche_rl.learner.frozen import FrozenModel

        device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
        self._model = FrozenModel(model_dir, config, device)

    def logprobs(self, sequences: Shipment, temperature: float) -> Any:
        """As the learner's."""
        return self._model.logprobs(sequences.unpacked(), temperature)


@dataclass(frozen=True)
class _Member:
    actor: Any
    loading: Any
    """Waited for before its first answer, so that what is wrong with the model comes back as itself."""


class ReferencePool:
    """``workers`` actors that hold the frozen model (``grpo.kl_coef`` 0: do not start any).

    Raises (every method):
        RemoteWaitError: members keep dying, or one does not answer in time.
        ModelError: the model folder is unfit.
    """

    def __init__(
        self,
        model_dir: str,
        config: LearnerConfig,
        workers: int,
        name: str = "reference",
        wait_s: float = 600.0,
        places: Sequence[Place] = (),
    ) -> None:
        """Start the actors, which load the Hugging Face folder ``model_dir``; returns at once.

        ``places``, where a plan has made some, are one for each of them.
        """
        self._dir, self._config, self._name, self._wait_s = str(model_dir), config, name, wait_s
        self._places = tuple(places)
        self._members = [self._new(number) for number in range(len(self._places) or workers)]

    def ask(
        self, sequences: Sequence[TokenSequence], temperature: float = 1.0, version: int | None = None
    ) -> Callable[[], list[np.ndarray]]:
        """Begin to compute; the call waits for log-probabilities (float32, nats) of each sequence's response
        tokens, in the order given."""
        parts = split_sequences(sequences, len(self._members), Layout.SHARED, self._config.row_tokens)
        work = [(Shipment.of([sequences[i] for i in part]), temperature) for part in parts]
        refs = [m.actor.logprobs.remote(*given) for m, given in zip(self._members, work, strict=True)]
        return lambda: joined(
            parts, [self._answer(place, ref, work[place], version) for place, ref in enumerate(refs)]
        )

    def logprobs(self, sequences: Sequence[TokenSequence], temperature: float = 1.0) -> list[np.ndarray]:
        """Those of :meth:`ask`, waited for."""
        return self.ask(sequences, temperature)()

    def ready(self) -> None:
        """Wait until all members have loaded the model; one that is lost is replaced at the first work."""
        with suppress(RemoteWaitError):
            for place, member in enumerate(self._members):
                wait(member.loading, self._waiting(place, "load model", None))

    def up(self) -> tuple[int, int]:
        """How many members have loaded the model, and of how many."""
        return how_many([member.loading for member in self._members]), len(self._members)

    def resize(self, workers: int) -> None:
        """Have so many members from the next call on."""
        for member in self._members[workers:]:
            ray.kill(member.actor)
        self._members = self._members[:workers] + [
            self._new(number) for number in range(len(self._members), workers)
        ]

    def shutdown(self) -> None:
        """End the actors."""
        self.resize(0)

    def _new(self, number: int) -> _Member:
        place = self._places[number] if number < len(self._places) else ANYWHERE
        start: Any = ray.remote(_Frozen).options(**learner_options(place))
        actor = start.remote()
        return _Member(actor, actor.open.remote(self._dir, self._config))

    def _answer(self, place: int, ref: Any, given: Any, version: int | None) -> Any:
        lost = self._waiting(place, "logprobs", version).failed("never asked")
        for _ in range(_ATTEMPTS):
            try:
                wait(self._members[place].loading, self._waiting(place, "load model", None))
                return wait(ref, self._waiting(place, "logprobs", version))
            except RemoteWaitError as error:
                lost = error
                ray.kill(self._members[place].actor)
                self._members[place] = self._new(place)
                ref = self._members[place].actor.logprobs.remote(*given)
        raise lost

    def _waiting(self, place: int, phase: str, version: int | None) -> Waiting:
        return Waiting(f"{self._name} {place}", phase, version, self._wait_s)


if TYPE_CHECKING:  # held against what the core asks
    from psyche_rl.loops.protocols import ReferenceModel

    _: type[ReferenceModel] = ReferencePool
