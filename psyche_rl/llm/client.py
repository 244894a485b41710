"""An async client that gives every call an answer or a named failure.

Role: bounded calls in flight, retries with backoff, no call sent twice, no call sent past the budget.
Collaborators: a ``Transport`` makes each try (``http_transport`` by default); ``call_cache.CallCache``
before and after each call; ``usage.Budget``; ``actors.llm_client`` runs it.
Invariants:
- A single call never raises: it ends in :class:`ChatReply` or :class:`CallFailure`. Only a server that
  cannot be used at all (:class:`TeacherError`) and a budget that is used up (:class:`BudgetError`) raise,
  and from then on every call does, at once. A used-up budget is told when nothing is in flight any more.
- A call keeps its place among ``max_in_flight`` while it backs off.
- Every call that ended is in the cache file, failed or not, before its result is seen by anybody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import BudgetError, PsycheError
from psyche_rl.llm.attempts import Answer, FailedAttemptError, RefusedError, Sent, Transport
from psyche_rl.llm.call_cache import CallCache, CallNote
from psyche_rl.llm.chat import CallFailure, ChatReply, ChatRequest, ChatResult
from psyche_rl.llm.http_transport import HttpTransport, unreachable
from psyche_rl.llm.usage import Budget, Spent, spent

LONGEST_RETRY_AFTER_S = 120.0
DRAIN_S = 10.0  # how long calls in flight are given to land when the client is closed
SILENT = ("unreachable", "timeout", "connection")


class ChatClient:
    """Create and use it inside one event loop; the API key comes from the environment only."""

    def __init__(
        self,
        config: TeacherConfig,
        cache: CallCache,
        backoff_s: float = 0.5,
        transport: Transport | None = None,
    ) -> None:
        self._config, self._cache = config, cache
        self._transport = transport or HttpTransport(config)
        self._backoff = wait_exponential_jitter(multiplier=backoff_s, max=30.0, jitter=backoff_s / 2)
        self._places = asyncio.Semaphore(config.max_in_flight)
        self._in_flight: dict[ChatRequest, asyncio.Task[ChatResult]] = {}
        self._budget = Budget(config, spent(config.prices, cache.tokens()))
        self._landing = asyncio.Event()
        self._dead: PsycheError | None = None
        self._heard = 0  # tries that met a live server, whatever it said

    async def complete_many(self, requests: Sequence[ChatRequest], stage: str = "") -> list[ChatResult]:
        """One result per request, in order.

        Raises:
            TeacherError: the server cannot be used at all.
            BudgetError: the budget is used up.
        """
        tasks = [asyncio.ensure_future(self.complete(request, stage)) for request in requests]
        try:
            return await asyncio.gather(*tasks)
        except PsycheError:
            for task in tasks:
                task.cancel()
            raise

    async def complete(self, request: ChatRequest, stage: str = "") -> ChatResult:
        """The cached reply, that of the same request in flight, or the server's.

        ``stage`` is on whose behalf; it goes into the call log.
        """
        running = self._in_flight.get(request)
        if running is None:
            cached = self._cache.get(request)
            if cached is not None:
                return cached
            running = asyncio.ensure_future(self._call(request, stage))
            self._in_flight[request] = running
            running.add_done_callback(lambda task: self._landed(request, task))
        return await asyncio.shield(running)

    async def close(self) -> None:
        """Send nothing more, let what is in flight land for a moment, then close all connections."""
        self._dead = self._dead or PsycheError("the LLM client is closed")
        if self._in_flight:
            _, late = await asyncio.wait(list(self._in_flight.values()), timeout=DRAIN_S)
            for task in late:
                task.cancel()
        await self._transport.close()

    def _landed(self, request: ChatRequest, task: asyncio.Task[ChatResult]) -> None:
        self._in_flight.pop(request, None)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report it a second time

    async def _call(self, request: ChatRequest, stage: str) -> ChatResult:
        async with self._places:
            bound = await self._afford(request)
            model, tokens = request.model, (0, 0)
            try:
                result, note = await self._outcome(request, stage)
                model = note.model
                if isinstance(result, ChatReply):
                    tokens = (result.prompt_tokens, result.completion_tokens)
                    self._cache.put(request, result, note)
                else:
                    self._cache.fail(request, result, note)
            finally:
                self._budget.settle(bound, model, tokens)
                self._landing.set()
            return result

    async def _afford(self, request: ChatRequest) -> Spent:
        """Wait until the budget has room for the call, then promise it."""
        bound = self._budget.bound(request) if self._budget.is_capped else Spent()
        while True:
            if self._dead is not None:
                raise self._dead
            if self._budget.allows(bound):
                self._budget.promise(bound)
                return bound
            if not self._budget.in_flight:
                self._dead = BudgetError(
                    f"teacher.budget is used up: {self._budget.reached()}; raise it and run again: "
                    f"finished calls are kept"
                )
                continue
            self._landing.clear()
            await self._landing.wait()

    async def _outcome(self, request: ChatRequest, stage: str) -> tuple[ChatResult, CallNote]:
        heard_before, begun = self._heard, time.monotonic()
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._config.attempts),
            wait=self._pause,
            retry=retry_if_exception_type(FailedAttemptError),
            reraise=True,
        )
        result: ChatResult
        sent: Sent | None
        try:
            answer: Answer = await retrying(self._attempt, request)
            result, sent = answer.reply, answer.sent
        except RefusedError as refused:
            result, sent = CallFailure("refused", str(refused)), refused.sent
        except FailedAttemptError as failed:
            if failed.kind == "unreachable" and self._heard == heard_before:
                self._dead = unreachable(self._config.servers(), str(failed))
                raise self._dead from None
            result, sent = CallFailure(failed.kind, str(failed)), failed.sent
        except PsycheError as hopeless:
            self._dead = self._dead or hopeless
            raise self._dead from None
        tries = int(retrying.statistics["attempt_number"])
        return result, _note(request, stage, sent, tries, time.monotonic() - begun)

    async def _attempt(self, request: ChatRequest) -> Answer:
        try:
            answer = await self._transport.attempt(request)
        except FailedAttemptError as failed:
            self._heard += failed.kind not in SILENT
            raise
        except RefusedError:
            self._heard += 1
            raise
        self._heard += 1
        return answer

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, FailedAttemptError):
            if error.elsewhere:
                return 0.0
            if error.retry_after is not None:
                return min(error.retry_after, LONGEST_RETRY_AFTER_S)
        return self._backoff(state)


def _note(request: ChatRequest, stage: str, sent: Sent | None, attempts: int, took: float) -> CallNote:
    if sent is None:
        return CallNote(stage, request.model, "", attempts, took)
    return CallNote(stage, sent.model, sent.endpoint, attempts, took, sent.body)
