"""The scripted teacher's HTTP face: OpenAI's chat completions and model list, on loopback only.

Invariants: it binds to 127.0.0.1; a fault never changes what a later attempt is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import sys
import time
from collections import Counter
from typing import TextIO

from aiohttp import web

from psyche_rl.errors import TeacherError
from psyche_rl.mini.teacher.flaws import TeacherFlaws, http_fault
from psyche_rl.mini.teacher.script import Teacher

HOST = "127.0.0.1"
MODEL = "scripted-teacher"
RETRY_AFTER_S = 0.05  # the standard's unit is whole seconds; a demo cannot wait for those


class TeacherServer:
    """Handlers around one :class:`Teacher`. ``log`` gets one JSON line per call, before its reply."""

    def __init__(self, flaws: TeacherFlaws, seed: int, log: TextIO | None = None) -> None:
        self._flaws, self._seed, self._log = flaws, seed, log
        self._teacher = Teacher(flaws, seed)
        self._arrivals: Counter[str] = Counter()

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_post("/v1/chat/completions", self.complete)
        app.router.add_get("/v1/models", self.models)
        return app

    async def models(self, _: web.Request) -> web.Response:
        """``GET /v1/models``."""
        return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    async def complete(self, request: web.Request) -> web.Response:
        """``POST /v1/chat/completions``."""
        body = await request.read()
        digest = hashlib.sha256(body).hexdigest()
        attempt = self._arrivals[digest]
        self._arrivals[digest] += 1
        if self._flaws.latency_ms:
            await asyncio.sleep(self._flaws.latency_ms / 1000)
        try:
            asked = json.loads(body)
            prompt = "\n".join(message["content"] for message in asked["messages"])
            sample = int(asked.get("seed") or 0)
        except (ValueError, LookupError, TypeError):
            return self._done(400, digest, attempt, "unreadable", _error("not a chat completion request"))
        fault = http_fault(self._flaws, self._seed, digest, attempt)
        if fault == "rate_limited":
            return self._done(429, digest, attempt, fault, _error("too many requests"))
        if fault == "server_error":
            return self._done(500, digest, attempt, fault, _error("internal error"))
        task, text = self._teacher.reply(prompt, sample)
        return self._done(200, digest, attempt, task, _completion(asked.get("model", MODEL), prompt, text))

    def _done(
        self, status: int, digest: str, attempt: int, task: str, body: dict[str, object]
    ) -> web.Response:
        if self._log is not None:
            line = {"time": time.time(), "digest": digest, "attempt": attempt, "status": status, "task": task}
            self._log.write(json.dumps(line) + "\n")
            self._log.flush()
        response = web.Response(
            status=status, body=json.dumps(body, ensure_ascii=False).encode(), content_type="application/json"
        )
        if status == 429:
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return response


def serve(
    flaws: TeacherFlaws, seed: int, port: int, log: str | None = None, until_stdin_closes: bool = False
) -> None:
    """Serve until interrupted; the first line on stdout is the base URL. Port 0 takes a free one.

    Raises:
        TeacherError: the port is taken.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(flaws, seed, port, log, until_stdin_closes))


async def _serve(
    flaws: TeacherFlaws, seed: int, port: int, log: str | None, until_stdin_closes: bool
) -> None:
    with open(log, "a", encoding="utf-8") if log else contextlib.nullcontext() as file:
        runner = web.AppRunner(TeacherServer(flaws, seed, file).app(), access_log=None)
        await runner.setup()
        try:
            try:
                site = web.TCPSite(runner, HOST, port)
                await site.start()
            except OSError as error:
                raise TeacherError(f"port {port} is taken ({error.strerror}); give another --port") from None
            print(f"http://{HOST}:{runner.addresses[0][1]}/v1", flush=True)
            if until_stdin_closes:
                await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
            else:
                await asyncio.Event().wait()
        finally:
            await runner.cleanup()


def _error(message: str) -> dict[str, object]:
    return {"error": {"message": message, "type": "scripted", "code": None}}


def _completion(model: str, prompt: str, text: str) -> dict[str, object]:
    """An OpenAI chat completion; its token counts are character counts."""
    usage = {
        "prompt_tokens": len(prompt),
        "completion_tokens": len(text),
        "total_tokens": len(prompt) + len(text),
    }
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
        "usage": usage,
    }
