"""Requests to OpenAI-compatible servers over HTTP.

Role: one try of a call at the server that ``endpoints.choose`` names. Collaborators: ``endpoints`` and
``window`` decide, ``http_reply`` reads what came; ``client.ChatClient`` tries again.
Invariants:
- An error body, an HTML page or a reply without text is a failed attempt, never an answer.
- Turns are handed out in the order in which they were asked for.
- No message holds a key (addresses hold none: ``EndpointConfig`` sees to that).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque

import aiohttp

from psyche_rl.config.teacher import EndpointConfig, TeacherConfig
from psyche_rl.errors import PsycheError, TeacherError
from psyche_rl.llm import endpoints
from psyche_rl.llm.attempts import Answer, FailedAttemptError, RefusedError, Sent, Transport
from psyche_rl.llm.chat import ChatRequest
from psyche_rl.llm.endpoints import Endpoint, Later
from psyche_rl.llm.http_reply import failure_of, reply_of
from psyche_rl.llm.proxies import proxy_for
from psyche_rl.llm.window import Window

PROBE_S = 15.0  # a server that does not answer GET /models in this time is taken for dead
PACE_S, AHEAD_S = 0.0003, 0.001
"""Sends are this far apart, and may be so much early (seconds). A burst of requests comes back as a burst of
replies, the last of which waits until all others are handled, and so does the request that takes its place:
every round would take longer by that much. A gap of about what one call costs us keeps them apart."""
OVERLOAD = ("rate_limited", "unavailable", "timeout")
SCHEMA_REFUSALS = (400, 415, 422)
EMPTY_ACCOUNT = (402, 429)
"""A 429 is a refusal only where the server says that the quota is used up."""


class HttpTransport:
    """Create and use it inside one event loop; API keys come from the environment only."""

    def __init__(self, config: TeacherConfig) -> None:
        self._config, self._servers = config, config.servers()
        _need_address(self._servers)
        self._states = [Endpoint(s.weight, Window.open(config.max_in_flight)) for s in self._servers]
        self._waiting: deque[asyncio.Future[int]] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._due = 0.0  # when the next request is to be sent
        self._answers = [0] * len(self._servers)
        # Whether each server takes a JSON schema: None until it has been seen to.
        self._takes_schema: list[bool | None] = [None] * len(self._servers)
        self._proxies = [proxy_for(server.base_url) for server in self._servers]
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=config.max_in_flight),
            timeout=aiohttp.ClientTimeout(total=config.timeout_s),
        )

    async def attempt(self, request: ChatRequest) -> Answer:
        """One try at the next endpoint; waits for a turn first.

        Raises:
            FailedAttemptError, RefusedError: see ``attempts.Transport``.
            TeacherError: every endpoint refuses every call.
        """
        place = await self._turn()
        cuts, begun = self._states[place].window.cuts, time.monotonic()
        try:
            answer = await self._send(place, request)
        except FailedAttemptError as failed:
            failed.took = time.monotonic() - begun
            self._note(place, failed, cuts)
            raise
        except RefusedError as refused:
            self._drop_if_useless(place, refused)
            raise
        else:
            self._answers[place] += 1
            self._states[place] = self._states[place].answered()
            return answer
        finally:
            self._states[place] = self._states[place].landed()
            self._hand_out()

    def abandon(self, error: PsycheError) -> None:
        """End with ``error`` every request that still waits for its turn."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(error)

    async def close(self) -> None:
        """Close all connections."""
        if self._alarm is not None:
            self._alarm.cancel()
        await self._session.close()

    # -- turns ---------------------------------------------------------------------------------
    async def _turn(self) -> int:
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._hand_out()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._states[turn.result()] = self._states[turn.result()].landed()
                self._hand_out()
            raise

    def _hand_out(self) -> None:
        while self._waiting:
            if self._waiting[0].done():
                self._waiting.popleft()
                continue
            now = time.monotonic()
            if self._due - now > AHEAD_S:
                self._wake_at(self._due - AHEAD_S)
                return
            choice = endpoints.choose(self._states, now)
            if isinstance(choice, Later):
                self._wake_at(choice.at)
                return
            self._due = max(self._due, now) + PACE_S
            self._states[choice] = self._states[choice].sent()
            self._waiting.popleft().set_result(choice)

    def _wake_at(self, moment: float | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if moment is not None:
            pause = max(0.0, moment - time.monotonic()) + 0.001
            self._alarm = asyncio.get_running_loop().call_later(pause, self._hand_out)

    # -- one request ---------------------------------------------------------------------------
    async def _send(self, place: int, request: ChatRequest) -> Answer:
        wanted = request.schema is not None and self._config.structured_output != "off"
        if not wanted or self._takes_schema[place] is False:
            return await self._post(place, request.without_schema())
        try:
            answer = await self._post(place, request)
        except RefusedError as refused:
            known = self._config.structured_output == "on" or self._takes_schema[place]
            if known or refused.status not in SCHEMA_REFUSALS:
                raise
            answer = await self._post(place, request.without_schema())  # refused as well: not the schema
            self._takes_schema[place] = False
            return answer
        self._takes_schema[place] = True
        return answer

    async def _post(self, place: int, request: ChatRequest) -> Answer:
        server = self._servers[place]
        sent, proxy = _sent(server, request), self._proxies[place]
        try:
            async with self._session.post(
                f"{server.base_url}/chat/completions",
                data=sent.body,
                headers={**_headers(server), **proxy.headers},
                proxy=proxy.url,
                proxy_headers=proxy.connect_headers,
            ) as response:
                content = await response.read()
        except aiohttp.ClientConnectorError as error:
            raise FailedAttemptError("unreachable", str(error), sent=sent) from None
        except TimeoutError:
            why = f"no reply in {self._config.timeout_s:g} s"
            raise FailedAttemptError("timeout", why, sent=sent) from None
        except (aiohttp.ClientError, OSError) as error:
            raise FailedAttemptError("connection", f"{type(error).__name__}: {error}", sent=sent) from None
        if response.status != 200:
            raise failure_of(
                response.status, response.headers.get("Retry-After"), content, sent, _key(server)
            )
        return Answer(reply_of(content, sent), sent)

    # -- what failures mean --------------------------------------------------------------------
    def _note(self, place: int, failed: FailedAttemptError, cuts: int) -> None:
        now, state = time.monotonic(), self._states[place]
        if failed.kind in OVERLOAD:
            state = state.overloaded(cuts, now, failed.retry_after)
        if failed.kind not in ("rate_limited", "bad_body"):
            state = state.failed(now, at_once=failed.kind == "unreachable")
        self._states[place] = state
        if failed.retry_after is not None:
            others = endpoints.others_back(self._states, place, now)
            failed.retry_after = min(failed.retry_after, others)
        left_alone = max(state.held_until, state.resting_until) > now
        failed.elsewhere = left_alone and endpoints.others_can_help(self._states, place, now)

    def _drop_if_useless(self, place: int, refused: RefusedError) -> None:
        """A server that refuses key, model or a field before it has ever answered will go on doing so; one
        whose account is empty answers no more."""
        is_empty = refused.is_lasting and refused.status in EMPTY_ACCOUNT
        is_useless = refused.is_lasting or refused.status in (401, 403, 404)
        if not is_empty and (self._answers[place] or not is_useless):
            return
        last = sum(not state.is_out for state in self._states) == 1
        if last:
            server = self._servers[place]
            model = server.model or self._config.model
            raise refusal(server, model, refused.status, str(refused), refused.is_lasting) from None
        state = self._states[place]
        self._states[place] = Endpoint(state.weight, state.window, state.in_flight, is_out=True)
        failed = FailedAttemptError("refused", str(refused), sent=refused.sent)
        failed.elsewhere = True
        raise failed from None


async def probe(config: TeacherConfig) -> None:
    """See that a server is there before work is planned on it (with several, one is enough).

    Raises:
        TeacherError: nobody answers, or the key is refused.
        ModelError: the model folder of ``engine: vllm`` is unusable.
    """
    if config.engine == "vllm":
        from psyche_rl.model_folder import model_folder

        await asyncio.to_thread(model_folder, config.model)
        return
    _need_address(config.servers())
    errors = await asyncio.gather(*(_probe(server, config.model) for server in config.servers()))
    found = [error for error in errors if error is not None]
    if len(found) == len(errors):
        raise found[0]


async def _probe(server: EndpointConfig, model: str) -> TeacherError | None:
    timeout, proxy = aiohttp.ClientTimeout(total=PROBE_S), proxy_for(server.base_url)
    try:
        async with (
            aiohttp.ClientSession(headers=_headers(server), timeout=timeout) as session,
            session.get(
                f"{server.base_url}/models",
                headers=proxy.headers,
                proxy=proxy.url,
                proxy_headers=proxy.connect_headers,
            ) as response,
        ):
            status = response.status  # any other answer will do: not every server lists its models
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return unreachable([server], str(error) or type(error).__name__)
    return refusal(server, server.model or model, status) if status in (401, 403) else None


def unreachable(servers: tuple[EndpointConfig, ...] | list[EndpointConfig], why: str) -> TeacherError:
    """Nobody is there."""
    where = ", ".join(server.base_url for server in servers)
    return TeacherError(
        f"teacher at {where} cannot be reached ({why}); start it or correct teacher.base_url, "
        f"then run again: finished calls are kept"
    )


def refusal(
    server: EndpointConfig, model: str, status: int, message: str = "", says_remedy: bool = False
) -> TeacherError:
    """Somebody is there and will not have us."""
    told = f"teacher at {server.base_url} refuses calls with HTTP {status} {message}"
    if says_remedy:
        return TeacherError(told)
    remedy = (
        f"check teacher.model ('{model}') and teacher.base_url"
        if status == 404
        else f"put a valid key into the environment variable {server.api_key_env}"
    )
    return TeacherError(f"{told}; {remedy}")


def _need_address(servers: tuple[EndpointConfig, ...]) -> None:
    if not all(server.base_url for server in servers):
        raise TeacherError("teacher.base_url is not set; give the address of an OpenAI-compatible server")


def _key(server: EndpointConfig) -> str | None:
    return os.environ.get(server.api_key_env or "")


def _headers(server: EndpointConfig) -> dict[str, str]:
    key = _key(server)
    return {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})


def _sent(server: EndpointConfig, request: ChatRequest) -> Sent:
    return Sent(request.body(server.model), server.model or request.model, server.base_url)


_: type[Transport] = HttpTransport
