"""FastAPI routes that read their own bodies: what FastAPI then has to be told.

Collaborators: ``psyche_rl.serving.json_bodies`` reads; ``rewards`` and ``review`` are such routes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from psyche_rl.serving.json_bodies import BadBodyError, beside_loop


async def answer_json(reply: BaseModel, size: int) -> Response:
    """A reply to a request of ``size`` bytes."""
    text = await beside_loop(reply.model_dump_json, size)
    return Response(text, media_type="application/json")


def say_bad_bodies(app: FastAPI) -> None:
    """Answer a body that could not be read with its status and one line."""
    app.add_exception_handler(BadBodyError, _bad_body)


def _bad_body(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, getattr(error, "status", 422))


def document_bodies(app: FastAPI, bodies: Mapping[str, type[BaseModel]]) -> None:
    """Put the bodies of ``POST`` routes, by path, into the OpenAPI schema."""
    without = app.openapi

    def openapi() -> dict[str, Any]:
        schema = without()
        pairs = [(model, "validation") for model in bodies.values()]
        _, found = models_json_schema(pairs, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
        schema["components"]["schemas"].update(found["$defs"])
        for path, model in bodies.items():
            body = {"$ref": f"#/components/schemas/{model.__name__}"}
            content = {"application/json": {"schema": body}}
            schema["paths"][path]["post"]["requestBody"] = {"required": True, "content": content}
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
