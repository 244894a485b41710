"""FSDP2 learner ranks as Ray actors, driven as one learner.

Role: starts the ranks, splits sequences over them, joins their results in the order given; the reference
model lives in the same ranks.
Collaborators: ``rank`` (one of them), ``actors.waits``.
Invariants:
- Every call reaches all ranks in the same order, since each is a collective.
- Published weights go from rank 0 to Ray's object store and never through the driver.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import ray

from actors.learner.direct_weights import DirectWeights
from actors.learner.rank import LearnerRank
from actors.learner.shipment import Shipment
from actors.placement.place import ANYWHERE, Place
from actors.there import how_many
from actors.waits import Waiting, wait
from psyche_rl.config.learner import LearnerConfig
from psyche_rl.config.lora import LoraConfig
from psyche_rl.learner.backward import Backward
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.packing import Layout
from psyche_rl.learner.rank_split import split_sequences
from psyche_rl.learner.schedule import OptimSettings
from psyche_rl.learner.sequence import PolicySequence, SftSequence, TokenSequence
from psyche_rl.rollout.sampling import PLAIN, Sampling
from psyche_rl.weights.transport import Backend, DirectTransport

Metrics = dict[str, float]


@dataclass(frozen=True)
class RankReference:
    """The reference model in the learner's ranks."""

    group: LearnerGroup

    def ask(
        self, sequences: Sequence[TokenSequence], temperature: float = 1.0, version: int | None = None
    ) -> Callable[[], list[np.ndarray]]:
        """Begin to compute; the call waits for log-probabilities (float32, nats) of each sequence's response
        tokens, in the order given."""
        return self.group.ask("reference_logprobs", sequences, temperature, version)

    def logprobs(self, sequences: Sequence[TokenSequence], temperature: float = 1.0) -> list[np.ndarray]:
        """Those of :meth:`ask`, waited for."""
        return self.ask(sequences, temperature)()

    def ready(self) -> None:
        """Wait until it is loaded, which it is with the ranks' own model."""
        self.group.ready()


class LearnerGroup:
    """All ranks of a learner.

    Every method waits at most ``wait_s``; ``version`` only names the weight version in errors.

    Raises (every method):
        RemoteWaitError: a rank died or did not answer in time.
        PsycheError: what the rank itself raised (ModelError for an unfit model folder).
    """

    def __init__(
        self,
        model_dir: str,
        config: LearnerConfig,
        optim: OptimSettings,
        ranks: int = 1,
        name: str = "learner",
        wait_s: float = 600.0,
        with_reference: bool = False,
        lora: LoraConfig | None = None,
        places: Sequence[Place] = (),
        served_dtype: str | None = None,
    ) -> None:
        """Start ``ranks`` actors that load the Hugging Face folder ``model_dir``; returns at once.

        ``places``, where a plan has made some, are one for each rank, and say how many there are.

        What goes wrong on the way is raised by the first call that follows. ``with_reference`` keeps the
        model as it is now beside the one that is trained (see :attr:`reference`). ``served_dtype`` is what
        engines compute in: weights are published in it where it is coarser than what is trained.
        """
        self._served_dtype = served_dtype
        self._name, self._wait_s = name, wait_s
        self._layout, self._row_tokens = Layout.ALONE, config.row_tokens
        self._direct: DirectTransport | None = None
        self._published: int | None = None
        places = tuple(places) or (ANYWHERE,) * ranks
        start: Any = ray.remote(LearnerRank)
        self._ranks = [
            start.options(**learner_options(place)).remote(rank, len(places), config.threads, wait_s)
            for rank, place in enumerate(places)
        ]
        # Refs as arguments: Ray hands rank 0's address to the others when it has one.
        address = self._ranks[0].listen.remote() if len(places) > 1 else None
        self._starting = [("rendezvous", [r.join.remote(address) for r in self._ranks])]
        self.open(model_dir, config, optim, with_reference, lora)

    def open(
        self,
        model_dir: str,
        config: LearnerConfig,
        optim: OptimSettings,
        with_reference: bool = False,
        lora: LoraConfig | None = None,
    ) -> None:
        """Replace model and optimizer, and return at once; the processes (seconds to start) stay."""
        refs = [r.open.remote(str(model_dir), config, optim, with_reference, lora) for r in self._ranks]
        self._row_tokens = config.row_tokens
        self._starting.append(("load model", refs))

    def ready(self) -> None:
        """Wait until all ranks have loaded the model."""
        self._started()

    def up(self) -> tuple[int, int]:
        """How many ranks have loaded the model, and of how many."""
        refs = self._starting[-1][1] if self._starting else []
        return len(self._ranks) - len(refs) + how_many(refs), len(self._ranks)

    @property
    def reference(self) -> RankReference:
        """The model that the ranks were opened with, if they keep it."""
        return RankReference(self)

    def sft_step(self, sequences: Sequence[SftSequence]) -> Metrics:
        """One optimizer step on the mean NLL of all response tokens: loss, grad_norm, lr, tokens."""
        metrics: Metrics = self._on_parts("sft_step", sequences, None)[1][0]
        return metrics

    def logprobs(
        self, sequences: Sequence[TokenSequence], sampling: Sampling = PLAIN, version: int | None = None
    ) -> list[np.ndarray]:
        """Log-probabilities (float32, nats) of each sequence's response tokens, in the order given."""
        return self.ask("logprobs", sequences, sampling, version)()

    def ask(
        self, method: str, sequences: Sequence[TokenSequence], how: Sampling | float, version: int | None
    ) -> Callable[[], list[np.ndarray]]:
        """Log-probabilities by one of the ranks' methods, begun and not waited for; ``how`` is what it takes
        beside the sequences."""
        parts, answers = self._ask_parts(method, sequences, version, how)
        return lambda: joined(parts, answers())

    def policy_backward(
        self, sequences: Sequence[PolicySequence], objective: PolicyObjective, version: int | None = None
    ) -> Backward:
        """The gradient of one mini-batch, and the log-probabilities of its sequences in the order given.

        Metrics: loss, policy_loss, kl, clip_fraction, entropy, approx_kl, ratio_mean, ratio_max, tokens,
        fill, prompts_saved; means are over unmasked response tokens of the whole mini-batch.
        """
        parts, found = self._on_parts("policy_backward", sequences, version, objective)
        return Backward(joined(parts, [backward.logprobs for backward in found]), found[0].metrics)

    def optimizer_step(self, version: int | None = None) -> Metrics:
        """Apply the gradient of :meth:`policy_backward`; returns grad_norm and lr."""
        self._published = None
        metrics: Metrics = self._all("optimizer_step", "optimizer step", version=version)[0]
        return metrics

    def publish_directly(self, backend: Backend, processes: int) -> None:
        """From now on send weights from device to device, to engines of ``processes`` processes each."""
        calls = DirectWeights(self, backend, processes, self._wait_s)
        self._direct = calls.transport(self.full_weights_ref, lambda: self._published)

    def weights(self, version: int) -> ray.ObjectRef | DirectTransport:
        """What engines get the weights of now from, which are those of ``version``."""
        self._published = version
        return self._direct or self.full_weights_ref(version)

    def full_weights_ref(self, version: int) -> ray.ObjectRef:
        """A reference to one published ``Weights`` object (rank 0 puts it; the driver never holds it).

        Pass it to engines inside a container or as an argument; resolve it only where it is used. The
        object lives as long as rank 0 and somebody who holds the reference.
        """
        self._started()
        refs = [r.publish.remote(self._served_dtype) for r in self._ranks]
        found: ray.ObjectRef = self._wait_all(refs, "publish weights", version)[0][0]
        return found

    def connect(self, backend: Backend, workers: Sequence[Any], processes: int) -> None:
        """Form the group of a direct transfer with these rollout workers, each of ``processes`` processes."""
        self._started()
        place = self._wait_all([self._ranks[0].meeting_place.remote()], "form the group", None)[0]
        refs = [r.connect.remote(backend, workers, processes, place, self._served_dtype) for r in self._ranks]
        self._wait_all(refs, "form the group", None)

    def send_weights(self, version: int, checked: bool) -> int | None:
        """Send the weights to that group, whose workers are waiting for them; returns their checksum if
        ``checked``."""
        refs = [r.send.remote(version, checked) for r in self._ranks]
        found: int | None = self._wait_all(refs, "send weights", version)[0]
        return found

    def save(self, path: str, notes: Mapping[str, float] | None = None) -> None:
        """Begin to checkpoint model, optimizer and step, as they are now, into the absent folder ``path``;
        returns when each rank has its copy."""
        self._all("save", "save checkpoint", path, notes)

    def saved(self) -> None:
        """Wait until what :meth:`save` began is on the disk."""
        self._all("saved", "write checkpoint")

    def load(self, path: str) -> int:
        """Restore :meth:`save`'s state, whatever number of ranks wrote it; returns its step."""
        return int(self._all("load", "load checkpoint", path)[0])

    def export(self, path: str) -> None:
        """Write a Hugging Face folder (safetensors, config, tokenizer)."""
        self._all("export", "export", path)

    def export_adapter(self, path: str) -> None:
        """Write the adapters that ``lora`` asked for, in peft's format."""
        self._all("export_adapter", "export adapter", path)

    def shutdown(self) -> None:
        """End the ranks."""
        for rank in self._ranks:
            ray.kill(rank)

    # -- inside --------------------------------------------------------------------------------
    def _on_parts(
        self, method: str, sequences: Sequence[Any], version: int | None, *more: Any
    ) -> tuple[list[list[int]], list[Any]]:
        """Each rank's indices into ``sequences``, and what it returned for them."""
        parts, answers = self._ask_parts(method, sequences, version, *more)
        return parts, answers()

    def _ask_parts(
        self, method: str, sequences: Sequence[Any], version: int | None, *more: Any
    ) -> tuple[list[list[int]], Callable[[], list[Any]]]:
        self._started()
        parts = split_sequences(sequences, len(self._ranks), self._layout, self._row_tokens)
        refs = [
            rank.call.remote(method, Shipment.of([sequences[i] for i in part]), *more)
            for rank, part in zip(self._ranks, parts, strict=True)
        ]
        return parts, lambda: self._wait_all(refs, method.replace("_", " "), version)

    def _all(self, method: str, phase: str, *arguments: Any, version: int | None = None) -> list[Any]:
        self._started()
        return self._wait_all([r.call.remote(method, *arguments) for r in self._ranks], phase, version)

    def _started(self) -> None:
        while self._starting:
            phase, refs = self._starting[0]
            found = self._wait_all(refs, phase, None)
            if isinstance(found[0], Layout):
                self._layout = found[0]
            self._starting.pop(0)

    def _wait_all(self, refs: list[ray.ObjectRef], phase: str, version: int | None) -> list[Any]:
        results: list[Any] = wait(refs, Waiting(self._name, phase, version, self._wait_s))
        return results


def joined(parts: Sequence[Sequence[int]], arrays: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """One array for each sequence, in the order given."""
    found = {
        i: array for part, of in zip(parts, arrays, strict=True) for i, array in zip(part, of, strict=True)
    }
    return [found[i] for i in range(len(found))]


def learner_options(place: Place) -> dict[str, Any]:
    """How a rank, or a reference model of a pool, is started in its place."""
    return place.options({"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")})


if TYPE_CHECKING:  # held against what the core asks
    from psyche_rl.loops.protocols import PolicyLearner, ReferenceModel
    from psyche_rl.loops.sft import SftLearner

    _policy: type[PolicyLearner] = LearnerGroup
    _reference: type[ReferenceModel] = RankReference
    _sft: type[SftLearner] = LearnerGroup
