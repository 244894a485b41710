"""The review page over HTTP: static files, and a small JSON API over a :class:`ReviewSession`.

Routes: ``GET /`` and its css and js (they hold no data), ``GET /api/queue``, ``GET /api/items/{id}``, ``POST
/api/decisions``.
Collaborators: ``psyche_rl.serving`` stands before every route, the session decides.
Invariants:
- Data needs the token. It travels in a header that only a script of this page's own origin can set, so that
  no other site can make a browser decide anything.
- The URL has the token in its fragment, which browsers do not send.
- On loopback the server answers to this machine's own names only.
- Pages load nothing else.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from data_pipeline.review.edits import EditFault
from data_pipeline.review.session import NoSuchItem, ReviewSession, Ruling
from launch.servers.json_routes import say_bad_bodies
from psyche_rl.errors import RunFolderError
from psyche_rl.json_shape import JsonShape
from psyche_rl.serving import Address, RequestLimits, checked_token
from psyche_rl.serving.asgi import Limited
from psyche_rl.serving.json_bodies import beside_loop, read_body
from psyche_rl.serving.limits import MOST_TOLD

PAGE = Path(__file__).with_name("review_page")
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
MAX_BODY, REQUEST_S = 1 << 20, 60.0
SHAPE = JsonShape(most_values=5000, most_depth=16)
GUARDS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class RulingRequest(BaseModel):
    """The body of ``POST /api/decisions``; ``id`` is made by the page, so that sending it twice is safe."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=r"^[0-9a-f]{16,64}$")
    item_id: str = Field(max_length=200)
    action: Literal["accept", "edit", "reject", "undo"]
    reason: str | None = Field(None, max_length=2000)
    changes: dict[str, Any] | None = None
    turns: tuple[str, ...] | None = None
    undoes: str | None = Field(None, max_length=64)


def review_app(session: ReviewSession, address: Address, run: str) -> FastAPI:
    """The routes over a review session; ``run`` is the run folder's name as the page shows it."""
    app = FastAPI(title="psyche-rl review", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/api/queue")
    def queue() -> dict[str, Any]:
        return {"run": run, "reviewer": session.reviewer, "items": session.overview()}

    @app.get("/api/items/{item_id}")
    def item(item_id: str) -> dict[str, Any]:
        try:
            found, decision = session.item(item_id)
        except NoSuchItem as error:
            raise HTTPException(404, str(error)[:MOST_TOLD]) from None
        return {"item": found.model_dump(), "decision": decision.model_dump() if decision else None}

    @app.post("/api/decisions")
    async def decide(request: Request) -> dict[str, Any]:
        body = await request.body()
        asked = await beside_loop(lambda: read_body(body, RulingRequest), len(body))
        return await asyncio.to_thread(_decided, session, asked)  # it writes to a disk

    say_bad_bodies(app)
    files = _page_files()
    for path, (content, kind) in files.items():
        app.get(path)(_static(content, kind))

    @app.middleware("http")
    async def guarded(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.update(GUARDS)
        return response

    hosts = address.own_names if address.is_local else None
    app.add_middleware(
        Limited, limits=RequestLimits(address.token, MAX_BODY, REQUEST_S, hosts, tuple(files), SHAPE)
    )
    return app


def token_for(variable: str | None) -> str:
    """The token in an environment variable, or a fresh one where no variable is named.

    Raises:
        ConfigError: the variable is unset, or its value too short or not fit for a URL.
    """
    if variable is None:
        return secrets.token_urlsafe(32)
    return checked_token(os.environ.get(variable, ""), f"--token-env {variable}: the variable")


def _decided(session: ReviewSession, asked: RulingRequest) -> dict[str, Any]:
    try:
        decision = session.decide(Ruling(**asked.model_dump()))
        return {"decision": decision.model_dump(), "line": session.line(asked.item_id)}
    except NoSuchItem as error:
        raise HTTPException(404, str(error)[:MOST_TOLD]) from None
    except EditFault as error:
        raise HTTPException(422, str(error)[:MOST_TOLD]) from None
    except RunFolderError as error:
        raise HTTPException(507, str(error)) from None


def _page_files() -> dict[str, tuple[bytes, str]]:
    """URL path -> content and type of every file of the page."""
    files = {
        f"/{file.name}": (file.read_bytes(), f"{TYPES[file.suffix]}; charset=utf-8")
        for file in sorted(PAGE.iterdir())
        if file.suffix in TYPES
    }
    return {"/": files.pop("/index.html"), **files}


def _static(content: bytes, kind: str) -> Callable[[], Response]:
    def file() -> Response:
        return Response(content, media_type=kind)

    return file
