"""An async client for OpenAI-compatible servers that gives every call an answer or a named failure.

Role: bounded requests in flight, retries with backoff, no call sent twice.
Collaborators: ``call_cache.CallCache`` before and after each call; ``actors.llm_client`` runs it.
Invariants:
- A single call never raises: it ends in :class:`ChatReply` or :class:`CallFailure`. Only a server that
  cannot be used at all raises :class:`TeacherError`, and from then on every call does, at once.
- An error body, an HTML page or a reply without text is a failed attempt, never an answer.
- A call keeps its place among the calls in flight while it backs off, so a server that says 429 gets
  fewer requests.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import TeacherError
from psyche_rl.llm.call_cache import CallCache
from psyche_rl.llm.chat import CallFailure, ChatReply, ChatRequest, ChatResult

PROBE_S = 15.0  # a server that does not answer GET /models in this time is taken for dead
LONGEST_RETRY_AFTER_S = 120.0


class _FailedAttemptError(Exception):
    """One attempt that may be tried again."""

    def __init__(self, kind: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind, self.retry_after = kind, retry_after


class _RefusedError(Exception):
    """The server understood and said no: trying again would not help."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ChatClient:
    """Create and use it inside one event loop; the API key comes from the environment only."""

    def __init__(self, config: TeacherConfig, cache: CallCache, backoff_s: float = 0.5) -> None:
        self._config, self._cache = config, cache
        self._base = _base(config)
        self._backoff = wait_exponential_jitter(multiplier=backoff_s, max=30.0, jitter=backoff_s / 2)
        self._slots = asyncio.Semaphore(config.max_in_flight)
        self._in_flight: dict[ChatRequest, asyncio.Task[ChatResult]] = {}
        self._dead: TeacherError | None = None
        self._responses = 0  # HTTP responses of any kind: proof that somebody is there
        self._answers = 0
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=config.max_in_flight),
            timeout=aiohttp.ClientTimeout(total=config.timeout_s),
            headers=_headers(config),
        )

    async def complete_many(self, requests: Sequence[ChatRequest]) -> list[ChatResult]:
        """One result per request, in order.

        Raises:
            TeacherError: the server cannot be used at all.
        """
        tasks = [asyncio.ensure_future(self.complete(request)) for request in requests]
        try:
            return await asyncio.gather(*tasks)
        except TeacherError:
            for task in tasks:
                task.cancel()
            raise

    async def complete(self, request: ChatRequest) -> ChatResult:
        """The cached reply, that of the same request in flight, or the server's."""
        running = self._in_flight.get(request)
        if running is None:
            cached = self._cache.get(request)
            if cached is not None:
                return cached
            running = asyncio.ensure_future(self._call(request))
            self._in_flight[request] = running
            running.add_done_callback(lambda task: self._landed(request, task))
        return await asyncio.shield(running)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    def _landed(self, request: ChatRequest, task: asyncio.Task[ChatResult]) -> None:
        self._in_flight.pop(request, None)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report it a second time

    async def _call(self, request: ChatRequest) -> ChatResult:
        async with self._slots:
            if self._dead is not None:
                raise self._dead
            heard_before = self._responses
            retrying = AsyncRetrying(
                stop=stop_after_attempt(self._config.attempts),
                wait=self._pause,
                retry=retry_if_exception_type(_FailedAttemptError),
                reraise=True,
            )
            try:
                reply: ChatReply = await retrying(self._attempt, request.body())
            except _RefusedError as refused:
                if refused.status in (401, 403, 404) and self._answers == 0:
                    self._dead = _refuses(self._config, refused.status, str(refused))
                    raise self._dead from None
                return CallFailure("refused", str(refused))
            except _FailedAttemptError as failed:
                if failed.kind == "unreachable" and self._responses == heard_before:
                    self._dead = _unreachable(self._config, failed)
                    raise self._dead from None
                return CallFailure(failed.kind, str(failed))
            self._answers += 1
            self._cache.put(request, reply)
            return reply

    async def _attempt(self, body: bytes) -> ChatReply:
        try:
            async with self._session.post(f"{self._base}/chat/completions", data=body) as response:
                self._responses += 1
                content = await response.read()
                if response.status != 200:
                    raise _failure(response.status, response.headers.get("Retry-After"), content)
        except aiohttp.ClientConnectorError as error:
            raise _FailedAttemptError("unreachable", str(error)) from None
        except TimeoutError:
            raise _FailedAttemptError("timeout", f"no reply in {self._config.timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _FailedAttemptError("connection", f"{type(error).__name__}: {error}") from None
        return _parse(content)

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, _FailedAttemptError) else None
        return min(asked, LONGEST_RETRY_AFTER_S) if asked is not None else self._backoff(state)


async def probe(config: TeacherConfig) -> None:
    """See that the server is there before work is planned on it.

    Raises:
        TeacherError: nobody answers, or the key is refused.
    """
    timeout = aiohttp.ClientTimeout(total=PROBE_S)
    try:
        async with (
            aiohttp.ClientSession(headers=_headers(config), timeout=timeout) as session,
            session.get(f"{_base(config)}/models") as response,
        ):
            status = response.status  # any other answer will do: not every server lists its models
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _unreachable(config, error) from None
    if status in (401, 403):
        raise _refuses(config, status)


def _base(config: TeacherConfig) -> str:
    if config.base_url is None:
        raise TeacherError("teacher.base_url is not set; give the address of an OpenAI-compatible server")
    return config.base_url.rstrip("/")


def _headers(config: TeacherConfig) -> dict[str, str]:
    key = os.environ.get(config.api_key_env)
    return {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})


def _unreachable(config: TeacherConfig, error: BaseException) -> TeacherError:
    why = str(error) or type(error).__name__
    return TeacherError(
        f"teacher at {config.base_url} cannot be reached ({why}); start it or correct teacher.base_url, "
        f"then run again: finished calls are kept"
    )


def _refuses(config: TeacherConfig, status: int, message: str = "") -> TeacherError:
    remedy = (
        f"check teacher.model ('{config.model}') and teacher.base_url"
        if status == 404
        else f"put a valid key into the environment variable {config.api_key_env}"
    )
    return TeacherError(f"teacher at {config.base_url} refuses calls with HTTP {status} {message}; {remedy}")


def _failure(status: int, retry_after: str | None, content: bytes) -> Exception:
    said = f"HTTP {status}: {content[:200].decode('utf-8', 'replace')}"
    if status == 429:
        return _FailedAttemptError("rate_limited", said, _seconds(retry_after))
    if status in (408, 409, 425) or status >= 500:
        return _FailedAttemptError("server_error", said, _seconds(retry_after))
    return _RefusedError(status, said)


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After as seconds: a number (fractions are let pass) or an HTTP date (RFC 9110, 10.2.3)."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - moment.now(moment.tzinfo).timestamp())


def _parse(content: bytes) -> ChatReply:
    try:
        body = json.loads(content)
        text = body["choices"][0]["message"]["content"]
        usage = body.get("usage") or {}
    except (ValueError, LookupError, TypeError, AttributeError):
        raise _FailedAttemptError("bad_body", f"not a chat completion: {content[:200]!r}") from None
    if not isinstance(text, str) or not text.strip():
        raise _FailedAttemptError("bad_body", "the reply holds no text")
    return ChatReply(text, int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0))
