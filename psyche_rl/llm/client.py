"""An async client that gives every call an answer or a named failure.

Role: bounded calls in flight, retries with backoff, no call sent twice, no call sent past the budget.
Collaborators: a ``Transport`` makes each try (``http_transport`` by default); ``call_cache.CallCache``
before and after each call; ``usage.Budget``; ``actors.llm.client`` runs it.
Invariants:
- A reply that was cut off, filtered or refused is a failure of that kind (``finish``), paid for once.
- A single call never raises: it ends in :class:`ChatReply` or :class:`CallFailure`. Only a server that
  cannot be used at all (:class:`TeacherError`) and a budget that is used up (:class:`BudgetError`) raise,
  and from then on every call does, at once. A used-up budget is told when nothing is in flight any more.
- A call keeps its place among ``max_in_flight`` while it backs off, and until its reply is committed: a
  SIGKILL loses at most ``max_in_flight`` answers. As many more calls are made ready meanwhile, so that a
  request leaves as soon as a place is free.
- Every call that ended is in the cache file, failed or not, before its result is seen by anybody.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Sequence

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import BudgetError, PsycheError
from psyche_rl.llm.attempts import Answer, FailedAttemptError, RefusedError, Sent, Transport
from psyche_rl.llm.call_cache import Answered, CallCache, CallNote
from psyche_rl.llm.chat import CallFailure, ChatReply, ChatRequest, ChatResult
from psyche_rl.llm.finish import answered
from psyche_rl.llm.group_commit import GroupCommit
from psyche_rl.llm.http_transport import HttpTransport, unreachable
from psyche_rl.llm.usage import Budget, Spent, spent

LONGEST_BACKOFF_S = 30.0
COUNTED = ("calls", "cached", "failures", "prompt_tokens", "completion_tokens")
DRAIN_S = 10.0  # how long calls in flight are given to land when the client is closed
SILENT = ("unreachable", "timeout", "connection")
UNSTORABLE = (ValueError, OverflowError, TypeError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


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
        self._backoff_s = backoff_s
        self._places = asyncio.Semaphore(config.max_in_flight)
        self._ready = asyncio.Semaphore(2 * config.max_in_flight)
        self._writing = GroupCommit(cache)
        self._in_flight: dict[ChatRequest, asyncio.Task[ChatResult]] = {}
        self._budget = Budget(config, spent(config.prices, cache.tokens()))
        self._landing = asyncio.Event()
        self._counts = dict.fromkeys(COUNTED, 0)
        self._dead: PsycheError | None = None
        self._heard = 0  # tries that met a live server, whatever it said

    async def complete_many(self, requests: Sequence[ChatRequest], stage: str = "") -> list[ChatResult]:
        """One result per request, in order; ``stage`` is on whose behalf and goes into the call log.

        Each is the cached reply, that of the same request in flight, or the server's.

        Raises:
            TeacherError: the server cannot be used at all.
            BudgetError: the budget is used up.
        """
        if not requests:
            return []
        calls = [self._begun(request, stage) for request in requests]
        await asyncio.wait(set(calls), return_when=asyncio.FIRST_EXCEPTION)
        for call in calls:
            if call.done() and not call.cancelled() and (error := call.exception()) is not None:
                raise error
        return [call.result() for call in calls]

    async def complete(self, request: ChatRequest, stage: str = "") -> ChatResult:
        """:meth:`complete_many` for one."""
        return (await self.complete_many([request], stage))[0]

    def counts(self) -> dict[str, int]:
        """calls (answered by the server), cached, failures, prompt_tokens, completion_tokens so far."""
        return dict(self._counts)

    async def close(self) -> None:
        """Send nothing more, let what is in flight land for a moment, then close all connections."""
        self._dead = self._dead or PsycheError("the LLM client is closed")
        if self._in_flight:
            _, late = await asyncio.wait(list(self._in_flight.values()), timeout=DRAIN_S)
            for task in late:
                task.cancel()
        await self._transport.close()

    def _begun(self, request: ChatRequest, stage: str) -> asyncio.Task[ChatResult]:
        call = self._in_flight.get(request)
        if call is not None:
            self._counts["cached"] += 1
            return call
        call = asyncio.ensure_future(self._call(request, stage))
        self._in_flight[request] = call
        call.add_done_callback(lambda task: self._landed(request, task))
        return call

    def _landed(self, request: ChatRequest, task: asyncio.Task[ChatResult]) -> None:
        self._in_flight.pop(request, None)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report it a second time

    async def _call(self, request: ChatRequest, stage: str) -> ChatResult:
        async with self._ready:
            # Looked up only here: a thousand look-ups before the first request is sent would cost a tenth
            # of a second.
            cached = self._cache.get(request)
            if cached is not None:
                self._counts["cached"] += 1
                return answered(cached)
            bound = await self._afford(request)
            model, tokens = request.model, (0, 0)
            try:
                async with self._places:
                    result, note = await self._outcome(request, stage)
                    model = note.model
                    if isinstance(result, ChatReply):
                        tokens = (result.prompt_tokens, result.completion_tokens)
                        result = await self._kept(Answered(request, result, note))
                        self._count(calls=1, prompt_tokens=tokens[0], completion_tokens=tokens[1])
                        self._count(failures=isinstance(result, CallFailure))
                    else:
                        self._cache.fail(request, result, note)
                        self._count(failures=1)
            finally:
                self._budget.settle(bound, model, tokens)
                self._landing.set()
            return result

    async def _kept(self, call: Answered) -> ChatResult:
        """What a reply is worth, once it is in the cache; one that no file takes is a failure."""
        try:
            await self._writing.put(call)
        except UNSTORABLE as error:
            failure = CallFailure("bad_body", f"the reply cannot be stored: {type(error).__name__}: {error}")
            self._cache.fail(call.request, failure, call.note)
            return failure
        return answered(call.reply)

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
        heard_before, begun, tries = self._heard, time.monotonic(), 0
        result: ChatResult
        sent: Sent | None
        while True:
            tries += 1
            try:
                answer = await self._attempt(request)
            except RefusedError as refused:
                result, sent = CallFailure("refused", str(refused)), refused.sent
            except FailedAttemptError as failed:
                if tries < self._config.attempts:
                    await asyncio.sleep(self._pause(failed, tries))
                    continue
                if failed.kind == "unreachable" and self._heard == heard_before:
                    self._dead = unreachable(self._config.servers(), str(failed))
                    raise self._dead from None
                result, sent = CallFailure(failed.kind, str(failed)), failed.sent
            except PsycheError as hopeless:
                self._dead = self._dead or hopeless
                raise self._dead from None
            else:
                result, sent = answer.reply, answer.sent
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

    def _pause(self, failed: FailedAttemptError, tries: int) -> float:
        """Seconds until the next try: none where another server can take it, else what the server asked
        for, else an exponential backoff with jitter."""
        if failed.elsewhere:
            return 0.0
        if failed.retry_after is not None:
            return failed.retry_after
        return self._backoff(tries)

    def _backoff(self, tries: int) -> float:
        pause = self._backoff_s * 2.0 ** (tries - 1) + random.uniform(0, self._backoff_s / 2)
        return min(pause, LONGEST_BACKOFF_S)

    def _count(self, **more: int) -> None:
        for name, number in more.items():
            self._counts[name] += number


def _note(request: ChatRequest, stage: str, sent: Sent | None, attempts: int, took: float) -> CallNote:
    if sent is None:
        return CallNote(stage, request.model, "", attempts, took)
    return CallNote(stage, sent.model, sent.endpoint, attempts, took, sent.body)
