"""Requests to OpenAI-compatible servers over HTTP.

Role: one try of a call at the server that ``endpoints.choose`` names. Collaborators: ``endpoints`` and
``window`` decide, ``http_reply`` reads what came; ``client.ChatClient`` tries again.
Invariants:
- An error body, an HTML page or a reply without text is a failed attempt, never an answer.
- Turns are handed out in the order in which they were asked for.
- No message and no reply holds a key, whatever the server repeats (addresses hold none: ``EndpointConfig``
  sees to that).
- Whatever a server sends is an answer, a failed attempt or a refusal, in bounded memory; no redirect is
  followed, no cookie kept.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

import aiohttp

from psyche_rl.config.teacher import EndpointConfig, TeacherConfig
from psyche_rl.errors import PsycheError
from psyche_rl.llm import endpoints
from psyche_rl.llm.attempts import Answer, FailedAttemptError, RefusedError, Sent, Transport
from psyche_rl.llm.bounded_body import MOST_BYTES, MOST_ERROR_BYTES, BodyError, bounded_body
from psyche_rl.llm.chat import ChatRequest
from psyche_rl.llm.endpoints import Endpoint, Later
from psyche_rl.llm.http_reply import SHOWN, failure_of, reply_of
from psyche_rl.llm.proxies import proxy_for
from psyche_rl.llm.server_probe import headers_for, need_address, refusal
from psyche_rl.llm.window import Window
from psyche_rl.masking import know, mask_of_process

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
        need_address(self._servers)
        know(*(server.api_key_env for server in self._servers))
        self._mask = mask_of_process()
        for server in self._servers:
            headers_for(server)  # a key that no header takes is told before any call
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
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
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
                headers={**headers_for(server), **proxy.headers},
                proxy=proxy.url,
                proxy_headers=proxy.connect_headers,
                allow_redirects=False,
            ) as response:
                content = await _body(response)
        except aiohttp.ClientConnectorError as error:
            raise FailedAttemptError("unreachable", self._mask.text(str(error)), sent=sent) from None
        except TimeoutError:
            why = f"no reply in {self._config.timeout_s:g} s"
            raise FailedAttemptError("timeout", why, sent=sent) from None
        except BodyError as error:
            raise FailedAttemptError("bad_body", str(error), sent=sent) from None
        except Exception as error:  # of all that HTTP can be, libraries name only a part
            quoted = (
                "" if isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError) else error
            )
            why = self._mask.text(f"{type(error).__name__}: {quoted}".removesuffix(": "))[:SHOWN]
            raise FailedAttemptError("connection", why, sent=sent) from None
        if response.status != 200:
            asked = response.headers.get("Retry-After")
            raise failure_of(response.status, asked, content, sent, self._mask)
        return Answer(reply_of(content, sent, self._mask), sent)

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


async def _body(response: aiohttp.ClientResponse) -> bytes:
    encoding, is_error = response.headers.get("Content-Encoding", ""), response.status != 200
    most = MOST_ERROR_BYTES if is_error else MOST_BYTES
    return await bounded_body(response.content.iter_any(), encoding, most, cut=is_error)


def _sent(server: EndpointConfig, request: ChatRequest) -> Sent:
    return Sent(request.body(server.model), server.model or request.model, server.base_url)


_: type[Transport] = HttpTransport
