"""A local server that misbehaves in every way servers do, and clients of it."""

import asyncio
import contextlib

from aiohttp import web

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallCache, ChatClient


def good(text="好"):
    message = {"message": {"role": "assistant", "content": text}}
    return web.json_response({"choices": [message], "usage": {"prompt_tokens": 2, "completion_tokens": 1}})


class BadServer:
    """Answers each prompt with the listed acts in turn, and well when they are used up.

    An act is a name of ``perform``, or (status, headers, body) as they are to be sent.
    """

    def __init__(self, **acts):
        self.acts = {name: list(listed) for name, listed in acts.items()}
        self.seen, self.headers, self.bodies = [], [], []
        self.now = self.most = 0

    async def handle(self, request):
        body = await request.json()
        prompt = body["messages"][0]["content"]
        self.bodies.append(body)
        self.seen.append(prompt)
        self.headers.append(dict(request.headers))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0.005)
            acts = self.acts.get(prompt)
            act = acts.pop(0) if acts else "good"
            return await self.perform(act, request)
        finally:
            self.now -= 1

    async def perform(self, act, request):
        if isinstance(act, tuple):
            status, headers, body = act
            return web.json_response(body, status=status, headers=headers)
        if act == "hang":
            await asyncio.sleep(30)
        if act == "break":
            request.transport.abort()
        replies = {
            "429": lambda: web.Response(status=429, headers={"Retry-After": "0.02"}),
            "500": lambda: web.Response(status=500, text="oh"),
            "html": lambda: web.Response(text="<html>login</html>", content_type="text/html"),
            "error body": lambda: web.json_response({"error": {"message": "overloaded"}}),
            "empty": lambda: good(""),
            "400": lambda: web.Response(status=400, text="too long"),
            "401": lambda: web.Response(status=401, text="who are you"),
            "404": lambda: web.Response(status=404, text="no such model"),
            "503": lambda: web.Response(status=503, headers={"Retry-After": "0.2"}),
            "echo key": lambda: web.Response(status=400, text=request.headers["Authorization"]),
        }
        return replies.get(act, good)()


@contextlib.asynccontextmanager
async def served(server, tmp_path, **settings):
    """A client of one server, and its cache."""
    async with serving(server) as url, client_of(tmp_path, base_url=url, **settings) as found:
        yield found


@contextlib.asynccontextmanager
async def serving(server):
    """The server's base URL."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.handle)
    app.router.add_get("/v1/models", _models)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def client_of(tmp_path, **settings):
    """A client and its cache; short deadlines and pauses."""
    cache = CallCache(tmp_path / "calls.sqlite")
    config = TeacherConfig(**{"timeout_s": 10, "attempts": 4, **settings})
    client = ChatClient(config, cache, backoff_s=0.01)
    try:
        yield client, cache
    finally:
        await client.close()


async def _models(_):
    return web.json_response({"data": []})
