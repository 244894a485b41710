"""The LLM client in a thread of its own: endpoints are asked without a Ray cluster.

Role: a ``Door`` for judges and a ``submit`` for items, over one :class:`ChatClient` and its cache.
Collaborators: ``psyche_rl.llm``; ``actors.llm.client`` is the same door as an actor, for runs on a cluster.
Invariants:
- Every reply is in the cache file before anybody sees it, so nothing is paid for twice.
- Client and cache live in the thread that made them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallCache, CallFailure, ChatClient, ChatReply, ChatRequest, ChatResult
from psyche_rl.llm.attempts import Transport

T = TypeVar("T")


class ClientThread:
    """Also a context manager: start, close. ``stage`` stands before the phase in the call log."""

    def __init__(
        self,
        teacher: TeacherConfig,
        file: Path,
        stage: str = "bench",
        transport: Transport | None = None,
        backoff_s: float = 0.5,
    ) -> None:
        self.teacher, self._file, self._stage = teacher, file, stage
        self._transport, self._backoff_s = transport, backoff_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="llm client", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._do(self._open()).result()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close()).result()
        self._end()

    def submit(self, request: ChatRequest, phase: str) -> Future[ChatResult]:
        """Have a call made; a reply that was cut, filtered or refused comes as it is, with its tokens.

        The future raises TeacherError and BudgetError, as :meth:`ChatClient.complete_many`.
        """
        return self._do(self._reply(request, phase))

    def complete(self, requests: Sequence[ChatRequest], phase: str) -> list[ChatResult]:
        """One result per request, in order.

        Raises:
            TeacherError, BudgetError: as :meth:`ChatClient.complete_many`.
        """
        return self._do(self._client.complete_many(list(requests), f"{self._stage}.{phase}")).result()

    async def _reply(self, request: ChatRequest, phase: str) -> ChatResult:
        result = await self._client.complete(request, f"{self._stage}.{phase}")
        if isinstance(result, CallFailure):
            kept = self._cache.get(request.changed(self.teacher.extra_body, self.teacher.omit))
            return kept if isinstance(kept, ChatReply) else result
        return result

    def _do(self, what: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(what, self._loop)

    async def _open(self) -> None:
        self._cache = CallCache(self._file)
        self._client = ChatClient(self.teacher, self._cache, self._backoff_s, self._transport)

    async def _close(self) -> None:
        await self._client.close()
        self._cache.close()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


if TYPE_CHECKING:  # held against what asks through it
    from psyche_rl.llm.structured import Door

    _: type[Door] = ClientThread
