"""The scripted teacher's HTTP face: OpenAI's chat completions and model list.

Collaborators: ``script`` knows the replies, ``faults`` what spoils them, ``arrival_log`` writes down what
came and what left, ``psyche_rl.serving`` whom it answers.
Invariants:
- An HTTP fault never changes what a later attempt is answered.
- A call is logged as sent only after its last byte went to the socket.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
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

HTML = "<!doctype html><html><head><title>{0}</title></head><body><h1>{0}</h1><hr>gateway</body></html>"
MAX_BODY, REQUEST_S = 16 << 20, 60.0
GLANCE_S = 0.05  # how often a hanging call looks whether its client is still there
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
        asked = read_request(body)
        digest = hashlib.sha256(body).hexdigest()
        call = Arrival(
            self._arrivals.total(), digest, self._arrivals[digest], asked.sample if asked else None
        )
        self._arrivals[digest] += 1
        self._log.received(call)
        if self._flaws.latency_ms:
            await asyncio.sleep(self._flaws.latency_ms / 1000)
        outcome = self._outcome(asked, call)
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
        reply = self._teacher.answer(asked)
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
        headers = {name.lower(): value for name, value in request.headers.items()}
        refusal = self._limits.refusal(request.path, headers)
        if refusal:
            status, why = refusal
            return _json(status, error(why))
        try:
            async with asyncio.timeout(self._limits.request_s):
                return await handler(request)
        except TimeoutError:
            return _json(504, error(self._limits.too_slow))


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
