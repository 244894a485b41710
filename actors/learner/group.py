"""FSDP2 learner ranks as Ray actors, driven as one learner.

Role: starts the ranks, splits sequences over them, joins their results in the order given.
Collaborators: ``psyche_rl.learner.learner.Learner`` does the work in each rank; ``actors.waits``.
Invariants:
- Every call reaches all ranks in the same order, since each is a collective.
- Published weights go from rank 0 to Ray's object store and never through the driver.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import ray

from actors.waits import Waiting, wait
from psyche_rl.config.learner import LearnerConfig
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.rank_split import split
from psyche_rl.learner.schedule import OptimSettings
from psyche_rl.learner.sequence import PolicySequence, SftSequence, TokenSequence

Metrics = dict[str, float]


class LearnerRank:
    """One rank: a process group member and its ``Learner``. Torch is imported when it joins."""

    def __init__(self, rank: int, ranks: int, threads: int | None, wait_s: float) -> None:
        import torch

        self._rank, self._ranks, self._patience = rank, ranks, timedelta(seconds=wait_s)
        if threads is not None:
            torch.set_num_threads(threads)
        self._device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
        self._store: Any = None
        self._learner: Any = None

    def listen(self) -> tuple[str, int]:
        """Rank 0 only: open the rendezvous on a port the system picks; returns its address."""
        dist = _distributed()
        address = ray.util.get_node_ip_address()
        self._store = dist.TCPStore(address, 0, self._ranks, is_master=True, wait_for_workers=False)
        return address, self._store.port

    def join(self, address: tuple[str, int] | None) -> None:
        """Enter the process group; a single rank has nobody to meet and opens no port.

        Its collectives wait as long as the driver does, neither ten minutes (NCCL) nor thirty (gloo).
        """
        import torch

        dist = _distributed()
        if self._store is None:
            self._store = dist.TCPStore(*address, is_master=False) if address else dist.HashStore()
        backend = "nccl" if self._device.type == "cuda" else "gloo"
        if self._device.type == "cuda":
            torch.cuda.set_device(self._device)
        dist.init_process_group(
            backend,
            store=self._store,
            rank=self._rank,
            world_size=self._ranks,
            timeout=self._patience,
        )

    def open(self, model_dir: str, config: LearnerConfig, optim: OptimSettings) -> None:
        """Load model and optimizer in place of any earlier ones."""
        from psyche_rl.learner.learner import Learner

        self._learner = None
        self._learner = Learner(model_dir, config, optim, self._device)

    def call(self, method: str, *arguments: Any) -> Any:
        """Call the learner."""
        return getattr(self._learner, method)(*arguments)

    def publish(self) -> list[ray.ObjectRef] | None:
        """Gather the weights; rank 0 puts them into the object store and returns the reference."""
        weights = self._learner.full_weights()
        # In a list, so that Ray hands over the reference and not what it stands for.
        return None if weights is None else [ray.put(weights)]


@dataclass(frozen=True)
class LogprobsUnderWay:
    """Log-probabilities under way, and which of the caller's sequences each part holds."""

    refs: Sequence[ray.ObjectRef]
    parts: Sequence[Sequence[int]]
    waiting: Waiting

    def wait(self) -> list[np.ndarray]:
        """Block until they are there; in the order of the sequences."""
        found: dict[int, np.ndarray] = {}
        for indices, arrays in zip(self.parts, wait(list(self.refs), self.waiting), strict=True):
            found.update(zip(indices, arrays, strict=True))
        return [found[i] for i in range(len(found))]


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
    ) -> None:
        """Start ``ranks`` actors that load the Hugging Face folder ``model_dir``; returns at once.

        What goes wrong on the way is raised by the first call that follows.
        """
        self._name, self._wait_s = name, wait_s
        options = learner_resources()
        start: Any = ray.remote(LearnerRank).options(**options)
        self._ranks = [start.remote(rank, ranks, config.threads, wait_s) for rank in range(ranks)]
        # Refs as arguments: Ray hands rank 0's address to the others when it has one.
        address = self._ranks[0].listen.remote() if ranks > 1 else None
        self._starting = [("rendezvous", [r.join.remote(address) for r in self._ranks])]
        self.open(model_dir, config, optim)

    def open(self, model_dir: str, config: LearnerConfig, optim: OptimSettings) -> None:
        """Replace model and optimizer, and return at once; the processes (seconds to start) stay."""
        refs = [r.open.remote(str(model_dir), config, optim) for r in self._ranks]
        self._starting.append(("load model", refs))

    def sft_step(self, sequences: Sequence[SftSequence]) -> Metrics:
        """One optimizer step on the mean NLL of all response tokens: loss, grad_norm, lr, tokens."""
        return self._step("sft_step", sequences, None)

    def logprobs(
        self, sequences: Sequence[TokenSequence], temperature: float = 1.0, version: int | None = None
    ) -> list[np.ndarray]:
        """Log-probabilities (float32, nats) of each sequence's response tokens, in the order given."""
        return self.submit_logprobs(sequences, temperature, version).wait()

    def submit_logprobs(
        self, sequences: Sequence[TokenSequence], temperature: float = 1.0, version: int | None = None
    ) -> LogprobsUnderWay:
        """Start :meth:`logprobs` and go on; ``.wait()`` on the result gives the same list."""
        self._started()
        parts = self._split(sequences)
        refs = [
            rank.call.remote("logprobs", [sequences[i] for i in part], temperature)
            for rank, part in zip(self._ranks, parts, strict=True)
        ]
        return LogprobsUnderWay(refs, parts, self._waiting("logprobs", version))

    def policy_step(
        self, sequences: Sequence[PolicySequence], objective: PolicyObjective, version: int | None = None
    ) -> Metrics:
        """One optimizer step on one mini-batch.

        Returns loss, policy_loss, kl, clip_fraction, entropy, approx_kl, ratio_mean, ratio_max,
        grad_norm, lr, tokens; means are over unmasked response tokens of the whole mini-batch.
        """
        return self._step("policy_step", sequences, version, objective)

    def full_weights_ref(self, version: int) -> ray.ObjectRef:
        """A reference to one published ``Weights`` object (rank 0 puts it; the driver never holds it).

        Pass it to engines inside a container or as an argument; resolve it only where it is used. The
        object lives as long as rank 0 and somebody who holds the reference.
        """
        self._started()
        refs = [r.publish.remote() for r in self._ranks]
        found: ray.ObjectRef = self._wait_all(refs, "publish weights", version)[0][0]
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

    def shutdown(self) -> None:
        """End the ranks."""
        for rank in self._ranks:
            ray.kill(rank)

    # -- inside --------------------------------------------------------------------------------
    def _step(self, method: str, sequences: Sequence[Any], version: int | None, *more: Any) -> Metrics:
        self._started()
        refs = [
            rank.call.remote(method, [sequences[i] for i in part], *more)
            for rank, part in zip(self._ranks, self._split(sequences), strict=True)
        ]
        metrics: Metrics = self._wait_all(refs, method, version)[0]
        return metrics

    def _all(self, method: str, phase: str, *arguments: Any) -> list[Any]:
        self._started()
        return self._wait_all([r.call.remote(method, *arguments) for r in self._ranks], phase, None)

    def _started(self) -> None:
        while self._starting:
            phase, refs = self._starting[0]
            self._wait_all(refs, phase, None)
            self._starting.pop(0)

    def _split(self, sequences: Sequence[TokenSequence]) -> list[list[int]]:
        return split([len(s.input_ids) for s in sequences], len(self._ranks))

    def _wait_all(self, refs: list[ray.ObjectRef], phase: str, version: int | None) -> list[Any]:
        results: list[Any] = wait(refs, self._waiting(phase, version))
        return results

    def _waiting(self, phase: str, version: int | None) -> Waiting:
        return Waiting(self._name, phase, version, self._wait_s)


def _distributed() -> Any:
    """torch.distributed, whose stores come from C and have no types."""
    import torch.distributed as dist

    return dist


def learner_resources() -> dict[str, Any]:
    """A GPU per rank where the cluster has GPUs, else a claim on nothing.

    On CPU the ranks take turns with the rollout workers, so their claims need not add up; with a claim
    each, two ranks beside two workers would wait for ever on a two-core machine.
    """
    env = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    if ray.cluster_resources().get("GPU", 0) > 0:
        return {"num_cpus": 0, "num_gpus": 1, "runtime_env": {"env_vars": env}}
    return {"num_cpus": 0, "num_gpus": 0, "runtime_env": {"env_vars": env}}


if TYPE_CHECKING:  # held against what the core asks
    from psyche_rl.loops.protocols import PolicyLearner
    from psyche_rl.loops.sft import SftLearner

    _policy: type[PolicyLearner] = LearnerGroup
    _sft: type[SftLearner] = LearnerGroup
