"""A request's JSON body as a pydantic model, read outside the event loop.

Role: what FastAPI would do within the loop, and with errors that repeat what was sent.
Collaborators: ``asgi.Limited`` has seen to size and shape before. Invariant: what a model refuses is told in
one short line, of which no word is the sender's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from psyche_rl.serving.limits import IN_PLACE, MOST_TOLD

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


class BadBodyError(Exception):
    """``status`` and one line of what is wrong with a body."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line[:MOST_TOLD])
        self.status = status


async def beside_loop(work: Callable[[], T], size: int) -> T:
    """The result of ``work``, in a thread if it has ``size`` bytes to do with and these are many."""
    return work() if size <= IN_PLACE else await asyncio.to_thread(work)


def read_body(body: bytes, model: type[M], counted: str | None = None, most: int = 0) -> M:
    """The model in a body.

    Args:
        counted: the field whose list has at most ``most`` items, which is seen to before they are looked at.

    Raises:
        BadBodyError: 422, or 413 for a list that is too long.
    """
    try:
        tree = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise BadBodyError(422, "the body is no JSON in UTF-8") from None
    items = tree.get(counted) if counted and isinstance(tree, dict) else None
    if isinstance(items, list) and len(items) > most:
        raise BadBodyError(413, f"{len(items)} {counted} in a request; at most {most}")
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise BadBodyError(422, _first_fault(error)) from None


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    # The last part of a place is the sender's own where the field is not known.
    is_unknown = first["type"] == "extra_forbidden"
    known = (*first["loc"][:-1], "…") if is_unknown else first["loc"]
    more = error.error_count() - 1
    what = "a field that is not known" if is_unknown else first["msg"]
    return f"{_place(known)}: {what}" + (f"; and {more} more" if more else "")


def _place(parts: tuple[Any, ...]) -> str:
    return ".".join(("body", *(str(part)[:40] for part in parts)))
