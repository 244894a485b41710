"""The scripted teacher's HTTP face: OpenAI's chat completions and model list.

Collaborators: ``script`` knows the replies, ``faults`` what spoils them, ``arrival_log`` writes down what
came and what left, ``psyche_rl.serving`` whom and what it answers.
Invariants:
- An HTTP fault never changes what a later attempt is answered.
- A call is logged as sent only after its last byte went to the socket.
- A large request is read and answered beside the event loop; a defect is logged by its place alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from psyche_rl.mini.teacher.arrival_log import Arrival, ArrivalLog
from psyche_rl.mini.teacher.faults import FaultPlan, HttpFault, spoiled
from psyche_rl.mini.teacher.flaws import TeacherFlaws
from psyche_rl.mini.teacher.script import Teacher
from psyche_rl.mini.teacher.wire import MODEL, Asked, completion, error, read_request, without_reply_fields
from psyche_rl.serving import ANY_FREE_PORT, Address, RequestLimits
from psyche_rl.serving.asgi import place_of
from psyche_rl.serving.head_deadline import HeadDeadlines
from psyche_rl.serving.json_bodies import beside_loop

HTML = "<!doctype html><html><head><title>{0}</title></head><body><h1>{0}</h1><hr>gateway</body></html>"
MAX_BODY, REQUEST_S = 8 << 20, 60.0
GLANCE_S = 0.05  # how often a hanging call looks whether its client is still there
UNFIT = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


log = logging.getLogger("psyche_rl.serving")


@dataclass(frozen=True)
class ServedReply:
    """What a call comes to: a reply, or none (``response`` is None); and why."""

    response: web.Response | None
    task: str | None = None
    fault: str | None = None


class TeacherServer:
    """Handlers around one :class:`Teacher`, for callers whom ``address`` admits."""

    def __init__(
        self, flaws: TeacherFlaws, seed: int, log: ArrivalLog, plan: FaultPlan, address: Address | None = None
    ) -> None:
        self._flaws, self._seed, self._log, self._plan = flaws, seed, log, plan
        self._limits = _limits(address or ANY_FREE_PORT, flaws.latency_ms / 1000 + plan.hang_s)
        self._teacher = Teacher(flaws, seed)
        self.deadlines = HeadDeadlines()
        """Of the connections that requests come on."""
        self._arrivals: Counter[str] = Counter()

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._limited])
        app.router.add_post("/v1/chat/completions", self.complete)
        app.router.add_get("/v1/models", self.models)
        return app

    async def models(self, _: web.Request) -> web.Response:
        """``GET /v1/models``."""
        return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """``POST /v1/chat/completions``."""
        body = await request.read()
        asked = await beside_loop(lambda: read_request(body), len(body))
        digest = hashlib.sha256(body).hexdigest()
        call = Arrival(
            self._arrivals.total(), digest, self._arrivals[digest], asked.sample if asked else None
        )
        self._arrivals[digest] += 1
        self._log.received(call)
        if self._flaws.latency_ms:
            await asyncio.sleep(self._flaws.latency_ms / 1000)
        outcome = await beside_loop(lambda: self._outcome(asked, call), len(body))
        if outcome.fault == "hang":
            await _wait_for_client_to_leave(request, self._plan.hang_s)
        if outcome.response is None:
            if request.transport is not None:
                request.transport.abort()
            self._log.ended(call, "dropped", None, outcome.task, outcome.fault)
            return web.Response()
        sent = await _send(request, outcome.response)
        status = outcome.response.status if sent else None
        self._log.ended(call, "sent" if sent else "gone", status, outcome.task, outcome.fault)
        return outcome.response

    def _outcome(self, asked: Asked | None, call: Arrival) -> ServedReply:
        if asked is None:
            return ServedReply(_json(400, error("not a chat completion request")), "unreadable")
        try:
            reply = self._teacher.answer(asked)
        except UNFIT:
            return ServedReply(_json(400, error("a schema that cannot be followed")), "unreadable")
        plan, text = self._plan, reply.text
        fault = plan.of_attempt(self._seed, call.digest, call.attempt, reply.is_json)
        if fault is not None:
            good = completion(asked.model, asked.prompt, text)
            return ServedReply(_faulty(fault, good, plan.retry_after_s), reply.task, fault)
        spoil = plan.of_reply(self._seed, call.digest) if reply.is_json else None
        text = spoiled(text, spoil) if spoil else text
        return ServedReply(_json(200, completion(asked.model, asked.prompt, text)), reply.task, spoil)

    @web.middleware
    async def _limited(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        self.deadlines.began(peer)
        try:
            return await self._within_limits(request, handler)
        finally:
            self.deadlines.ended(peer)

    async def _within_limits(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        refusal = self._limits.refusal(request.path, headers)
        try:
            async with asyncio.timeout(self._limits.request_s):
                refusal = refusal or await self._body_refusal(request)
                return _json(refusal[0], error(refusal[1])) if refusal else await handler(request)
        except TimeoutError:
            return _json(504, error(self._limits.too_slow))
        except (web.HTTPException, ConnectionError):
            raise
        except Exception as defect:
            log.error("%s %s: %s", request.method, ascii(request.path[:80]), place_of(defect))
            return _json(500, error("a defect of the server; its log says where"))

    async def _body_refusal(self, request: web.Request) -> tuple[int, str] | None:
        try:
            async with asyncio.timeout(self._limits.body_s):
                body = await request.read()  # kept by the request for its handler
        except TimeoutError:
            return 408, self._limits.body_too_slow
        return await self._limits.body_refusal(body)


def _limits(address: Address, slow_s: float) -> RequestLimits:
    """``slow_s``: what a call may take on purpose."""
    hosts = address.own_names if address.is_local and not address.token else None
    return RequestLimits(address.token, MAX_BODY, REQUEST_S + slow_s, hosts, open_paths=())


def _faulty(fault: HttpFault, good: dict[str, Any], retry_after_s: float) -> web.Response | None:
    """What goes out instead of ``good``; None for nothing at all."""
    body = json.dumps(good, ensure_ascii=False).encode()
    response: web.Response | None
    match fault:
        case "rate_limited":
            response = _json(429, error("too many requests"))
            response.headers["Retry-After"] = f"{retry_after_s:g}"
        case "rate_limited_bare":
            response = _json(429, error("too many requests"))
        case "server_error":
            response = _json(500, error("internal error"))
        case "cut_json":
            response = _body(body[: len(body) * 2 // 3])
        case "malformed_json":
            response = _body(body.replace(b'"', b"'"))
        case "html_200":
            response = _page(200, "Service unavailable")
        case "html_502":
            response = _page(502, "502 Bad Gateway")
        case "wrong_fields":
            response = _json(200, without_reply_fields(good))
        case "empty":
            response = _json(200, completion(good["model"], "", ""))
        case "closed" | "hang":
            response = None
    return response


def _json(status: int, body: dict[str, Any]) -> web.Response:
    return _body(json.dumps(body, ensure_ascii=False).encode(), status)


def _page(status: int, title: str) -> web.Response:
    return web.Response(status=status, text=HTML.format(title), content_type="text/html")


def _body(body: bytes, status: int = 200) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")


async def _send(request: web.Request, response: web.Response) -> bool:
    """Write a reply to the socket to its end; False if the client had left."""
    try:
        await response.prepare(request)
        await response.write_eof()
        while (transport := request.transport) is not None and transport.get_write_buffer_size():
            await asyncio.sleep(0.005)
    except ConnectionError:
        return False
    return transport is not None and not transport.is_closing()


async def _wait_for_client_to_leave(request: web.Request, longest_s: float) -> None:
    clock = asyncio.get_running_loop().time
    until = clock() + longest_s
    while request.transport is not None and clock() < until:
        await asyncio.sleep(min(GLANCE_S, longest_s))
