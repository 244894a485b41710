"""The one door to the LLM: an async Ray actor over the chat client and the cache of finished calls.

Role: every block of every synthesis job sends its calls here, so limits hold for the run as a whole.
Collaborators: ``psyche_rl.llm`` does the work; ``data_pipeline`` functions hold an :class:`LLM` handle.
Invariants:
- The actor takes no CPU share (a waiting actor that holds a fraction of one can stall a small cluster).
- It runs on the driver's node where it can, and always where a server listens on loopback only, as the mini
  world's teacher does: nobody else reaches it.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import ray

from actors.cluster import on_this_node
from actors.llm.vllm_transport import VllmTransport
from actors.placement.place import Place
from actors.waits import Waiting, wait
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import (
    CallCache,
    ChatClient,
    ChatRequest,
    ChatResult,
)
from psyche_rl.llm.call_cache import CACHE_FILE
from psyche_rl.llm.call_log import CallLog
from psyche_rl.llm.usage import Usage
from psyche_rl.serving.address import is_loopback
from psyche_rl.store import RunStore


class CacheHome:
    """Where the cache file lies: in a local run folder, or a local copy of a remote one's."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._folder = None if store.is_local else tempfile.TemporaryDirectory(prefix="psyche-rl-llm-")
        self.path = Path(self._folder.name, CACHE_FILE) if self._folder else store.local_path(CACHE_FILE)
        if self._folder and store.exists(CACHE_FILE):
            self.path.write_bytes(store.read_bytes(CACHE_FILE))

    def bring_back(self, cache: CallCache) -> None:
        """Upload the cache as it is now; nothing to do for a local run folder."""
        if self._folder:
            copy = self.path.with_suffix(".snapshot")
            cache.snapshot(copy)
            self._store.write_bytes(CACHE_FILE, copy.read_bytes())


class LLMClientActor:
    """Runs one :class:`ChatClient` in the actor's event loop."""

    def __init__(
        self, config: TeacherConfig, run_url: str, namespace: str = "", places: Sequence[Place] = ()
    ) -> None:
        self._home = CacheHome(RunStore(run_url))
        self._cache = CallCache(self._home.path, namespace)
        self._config, self._places = config, places
        self._client: ChatClient | None = None

    async def start(self) -> None:
        """Open the client inside the actor's event loop."""
        transport = VllmTransport(self._config, self._places) if self._config.engine == "vllm" else None
        self._client = ChatClient(self._config, self._cache, transport=transport)

    async def complete_many(self, requests: Sequence[ChatRequest], stage: str = "") -> list[ChatResult]:
        """One result per request, in order; ``stage`` goes into the call log.

        Raises:
            TeacherError: the server cannot be used at all.
            BudgetError: the budget is used up.
        """
        if self._client is None:
            raise RuntimeError("start() was not called")
        return await self._client.complete_many(requests, stage)

    async def counts(self) -> dict[str, int]:
        """calls (answered by the server), cached, failures, prompt_tokens, completion_tokens so far."""
        return self._client.counts() if self._client else {}

    async def notices(self) -> list[str]:
        """What the user should know at once and has not been told."""
        damage, self._cache.damage = self._cache.damage, None
        return [*([damage] if damage else []), *(self._client.notices() if self._client else [])]

    async def limit_stage(self, seconds: float) -> None:
        """How long all calls may take together, from the first one on."""
        if self._client:
            self._client.limit_stage(seconds)

    async def bring_back(self) -> None:
        """Upload the cache, where the run folder is remote."""
        self._home.bring_back(self._cache)

    async def close(self) -> None:
        """End: close connections and the cache file, after uploading it where that is needed."""
        if self._client is not None:
            await self._client.close()
        self._home.bring_back(self._cache)
        self._cache.close()

    async def usage(self) -> list[Usage]:
        """What the calls of this run folder used, those of earlier sessions among them."""
        log = CallLog(self._home.path)
        try:
            return log.usage(self._config.prices)
        finally:
            log.close()


@dataclass(frozen=True)
class LLM:
    """What blocks hold: the actor and the settings of its calls. Picklable.

    ``stage`` is on whose behalf; calls are logged under ``<stage>.<phase>``.
    """

    actor: Any
    teacher: TeacherConfig
    stage: str = "synth"

    def complete(self, requests: Sequence[ChatRequest], phase: str) -> list[ChatResult]:
        """Send requests and wait for all results, in order.

        Raises:
            TeacherError: the server cannot be used at all.
            BudgetError: the budget is used up.
            RemoteWaitError: the actor is gone, or far behind any possible schedule.
        """
        if not requests:
            return []
        teacher = self.teacher
        one = teacher.call_limit_s + teacher.timeout_s
        # Other blocks have calls in the same queue: an hour on top is no schedule but a last resort.
        deadline = one * math.ceil(len(requests) / teacher.max_in_flight) + 3600
        waiting = Waiting("LLM client", phase, deadline_s=deadline)
        ref = self.actor.complete_many.remote(list(requests), f"{self.stage}.{phase}")
        results: list[ChatResult] = wait(ref, waiting)
        return results

    def counts(self) -> dict[str, int]:
        """The actor's counters."""
        found: dict[str, int] = wait(
            self.actor.counts.remote(), Waiting("LLM client", "counts", deadline_s=60)
        )
        return found

    def notices(self) -> list[str]:
        """What the user should know at once and has not been told; each line is given once."""
        lines: list[str] = wait(self.actor.notices.remote(), Waiting("LLM client", "notices", deadline_s=60))
        return lines

    def limit_stage(self, calls: int) -> float:
        """Bound the time of a stage that plans so many calls; returns the seconds."""
        seconds = self.teacher.stage_limit_s(calls)
        wait(self.actor.limit_stage.remote(seconds), Waiting("LLM client", "limit", deadline_s=60))
        return seconds

    def usage(self) -> list[Usage]:
        """Calls, tokens and costs per stage and model, those of earlier sessions among them."""
        found: list[Usage] = wait(self.actor.usage.remote(), Waiting("LLM client", "usage", deadline_s=60))
        return found

    def bring_back(self) -> None:
        """Upload the cache, where the run folder is remote."""
        wait(self.actor.bring_back.remote(), Waiting("LLM client", "upload", deadline_s=600))

    def close(self) -> None:
        """Close the cache and end the actor."""
        try:
            wait(self.actor.close.remote(), Waiting("LLM client", "close", deadline_s=600))
        finally:
            ray.kill(self.actor)


def start_llm(
    teacher: TeacherConfig,
    run_url: str,
    namespace: str = "",
    stage: str = "synth",
    places: Sequence[Place] = (),
) -> LLM:
    """Start the actor (``psyche_rl.llm.probe`` tells first whether the server is there).

    ``places``: of the engines of ``teacher.engine: vllm``.
    """
    here = on_this_node(soft=not only_here(teacher))
    actor: Any = (
        ray.remote(LLMClientActor)
        .options(num_cpus=0, max_concurrency=1000, scheduling_strategy=here)
        .remote(teacher, run_url, namespace, tuple(places))
    )
    wait(actor.start.remote(), Waiting("LLM client", "start", deadline_s=120))
    return LLM(actor, teacher, stage)


def only_here(teacher: TeacherConfig) -> bool:
    """Whether a server of the teacher answers on this machine alone."""
    if teacher.engine == "vllm":
        return False
    return any(is_loopback(urlsplit(server.base_url).hostname or "") for server in teacher.servers())


if TYPE_CHECKING:  # held against what the core asks
    from psyche_rl.llm.structured import Door

    _: type[Door] = LLM
