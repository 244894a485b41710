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
- A call takes no longer than ``teacher.call_s``, and all calls together no longer than the stage's limit.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import BudgetError, PsycheError
from psyche_rl.llm.attempts import Answer, FailedAttemptError, RefusedError, Sent, Transport
from psyche_rl.llm.call_cache import Answered, CallCache, CallNote
from psyche_rl.llm.call_patience import CallPatience, LongPauseError, long_pause
from psyche_rl.llm.chat import CallFailure, ChatReply, ChatRequest, ChatResult
from psyche_rl.llm.finish import answered
from psyche_rl.llm.group_commit import GroupCommit
from psyche_rl.llm.http_transport import HttpTransport
from psyche_rl.llm.notices import Notices
from psyche_rl.llm.server_probe import unreachable
from psyche_rl.llm.usage import Budget, Spent, spent

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
        self._notices = Notices(config.call_limit_s)
        self._stage_s = config.stage_s
        self._alarm: asyncio.TimerHandle | None = None
        self._resting: set[asyncio.Task[Any] | None] = set()
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
        if self._alarm is None and self._stage_s is not None:
            self._alarm = asyncio.get_running_loop().call_later(self._stage_s, self._out_of_time)
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

    def notices(self) -> list[str]:
        """What the user should know at once and has not been told; each line is given once."""
        return self._notices.taken()

    def limit_stage(self, seconds: float) -> None:
        """From the first call on, calls may take so long together; ``teacher.stage_s`` goes before."""
        self._stage_s = self._config.stage_s or seconds

    async def close(self) -> None:
        """Send nothing more, let what is in flight land for a moment, then close all connections."""
        self._dead = self._dead or PsycheError("the LLM client is closed")
        if self._alarm is not None:
            self._alarm.cancel()
        if self._in_flight:
            _, late = await asyncio.wait(list(self._in_flight.values()), timeout=DRAIN_S)
            for task in late:
                task.cancel()
        await self._transport.close()

    def _begun(self, request: ChatRequest, stage: str) -> asyncio.Task[ChatResult]:
        request = request.changed(self._config.extra_body, self._config.omit)
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
        heard_before, begun = self._heard, time.monotonic()
        patience = CallPatience(self._config, self._backoff_s)
        result: ChatResult
        sent: Sent | None
        while True:
            if self._dead is not None:
                raise self._dead
            try:
                answer = await self._attempt(request)
            except RefusedError as refused:
                result, sent = CallFailure("refused", str(refused)), refused.sent
            except FailedAttemptError as failed:
                if await self._rested(failed, patience):
                    continue
                if failed.kind == "unreachable" and self._heard == heard_before:
                    self._dead = unreachable(self._config.servers(), str(failed))
                    raise self._dead from None
                result, sent = CallFailure(failed.kind, patience.told(failed)), failed.sent
                return result, _note(request, stage, sent, patience.tries, time.monotonic() - begun)
            except PsycheError as hopeless:
                self._dead = self._dead or hopeless
                raise self._dead from None
            else:
                result, sent = answer.reply, answer.sent
            return result, _note(request, stage, sent, patience.tries + 1, time.monotonic() - begun)

    async def _rested(self, failed: FailedAttemptError, patience: CallPatience) -> bool:
        """Wait until the call may be tried again; False if it has failed for good.

        Raises:
            PsycheError: no call will be made any more.
        """
        try:
            pause = patience.pause(failed)
        except LongPauseError as long:
            limit_s = self._config.call_limit_s
            self._die(long_pause(failed, long.seconds, limit_s, datetime.now(UTC)))
            pause = None
        if self._dead is not None:
            raise self._dead from None
        if pause is None:
            return False
        self._notices.note(failed, pause, time.monotonic())
        task = asyncio.current_task()
        self._resting.add(task)
        try:
            await asyncio.sleep(pause)
        except asyncio.CancelledError:
            if self._dead is not None:
                raise self._dead from None
            raise
        finally:
            self._resting.discard(task)
        return True

    def _out_of_time(self) -> None:
        self._die(
            BudgetError(
                f"the stage's calls have taken {self._stage_s:,.0f} s, which is their limit; raise "
                f"teacher.stage_s and run again: finished calls are kept"
            )
        )

    def _die(self, error: PsycheError) -> None:
        """No call is sent any more; those that pause or wait for a turn end at once, those that were sent may
        land."""
        if self._dead is None:
            self._dead = error
            self._transport.abandon(error)
            for task in tuple(self._resting):
                if task is not None:
                    task.cancel()

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

    def _count(self, **more: int) -> None:
        for name, number in more.items():
            self._counts[name] += number


def _note(request: ChatRequest, stage: str, sent: Sent | None, attempts: int, took: float) -> CallNote:
    if sent is None:
        return CallNote(stage, request.model, "", attempts, took)
    return CallNote(stage, sent.model, sent.endpoint, attempts, took, sent.body)
