"""Answers as JSON of a given shape: the schema that is sent, and one turn of repair.

Role: :func:`ask_json` on top of anything that completes chats (``actors.llm.client.LLM``).
Collaborators: ``http_transport`` finds out which servers enforce a schema; ``json_reply`` reads answers.
- Servers that enforce a schema get it, others get the prompt alone.
- Every answer is checked against the pydantic model either way. One that does not fit is shown to its author
  once, with what is wrong with it.
- There is one result per request, in order.
- A repair is a call like any other, with a key of its own, so it too is never paid for twice.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Generic, Protocol, TypeVar, overload

from pydantic import BaseModel

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm.chat import CallFailure, ChatReply, ChatRequest, ChatResult
from psyche_rl.llm.json_reply import read_json

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
REPAIR = (
    "你上一条回复不符合要求的JSON格式：{error}\n"
    "请按原要求重新作答，只输出一个完整、合法的JSON，不要输出任何其他文字。"
)


class Door(Protocol):
    """What completes chats."""

    @property
    def teacher(self) -> TeacherConfig:
        """The settings of its calls."""
        ...

    def complete(self, requests: Sequence[ChatRequest], phase: str) -> list[ChatResult]:
        """One result per request, in order."""
        ...


@dataclass(frozen=True, slots=True)
class JsonAnswer(Generic[T_co]):
    """An answer that fits; ``reply`` is the one it was read from, the second where ``is_repaired``."""

    value: T_co
    reply: ChatReply
    is_repaired: bool


@overload
def ask_json(
    door: Door, requests: Sequence[ChatRequest], shape: type[M], phase: str
) -> list[JsonAnswer[M] | CallFailure]: ...


@overload
def ask_json(
    door: Door,
    requests: Sequence[ChatRequest],
    shape: type[BaseModel],
    phase: str,
    read: Callable[[str], T],
) -> list[JsonAnswer[T] | CallFailure]: ...


def ask_json(
    door: Door,
    requests: Sequence[ChatRequest],
    shape: type[BaseModel],
    phase: str,
    read: Callable[[str], Any] | None = None,
) -> list[JsonAnswer[Any] | CallFailure]:
    """One checked answer, or a failure, per request and in order.

    ``read`` makes the value of a reply, or raises ValueError; unset, the reply must fit ``shape``, which
    servers are told of either way.

    A :class:`CallFailure` of kind ``schema`` says what was wrong after the repair; its ``text`` is the
    last answer, whole. Repairs are logged under the phase ``<phase>.repair``.

    Raises:
        TeacherError, BudgetError, RemoteWaitError: as ``door.complete``.
    """
    asked = list(requests)
    if door.teacher.structured_output != "off":
        asked = [dataclasses.replace(request, schema=schema_of(shape)) for request in asked]
    reader = read or partial(read_json, shape=shape)
    first = door.complete(asked, phase)
    results = [_checked(result, reader, is_repaired=False) for result in first]
    wrong = [i for i, result in enumerate(results) if _is_unfit(result, first[i])]
    repairs = [repair_request(asked[i], bad) for i in wrong if isinstance(bad := results[i], CallFailure)]
    again = door.complete(repairs, f"{phase}.repair") if repairs else []
    for i, result in zip(wrong, again, strict=True):
        repaired = _checked(result, reader, is_repaired=True)
        if isinstance(result, CallFailure):  # what it was to repair is still worth seeing
            repaired = dataclasses.replace(result, text=first[i].text)
        results[i] = repaired
    return results


@cache
def schema_of(shape: type[BaseModel]) -> str:
    """The API's ``json_schema`` object as canonical JSON text.

    Closed as OpenAI's strict mode wants it: no other properties, and all of them required.
    """
    wanted = {"name": shape.__name__, "schema": _closed(shape.model_json_schema()), "strict": True}
    return json.dumps(wanted, ensure_ascii=False, sort_keys=True)


def repair_request(request: ChatRequest, result: CallFailure) -> ChatRequest:
    """The conversation so far, and what is wrong with its last answer."""
    turns = (("assistant", result.text), ("user", REPAIR.format(error=result.message)))
    return dataclasses.replace(request, messages=(*request.messages, *turns))


def _is_unfit(result: JsonAnswer[T] | CallFailure, reply: ChatResult) -> bool:
    return isinstance(result, CallFailure) and isinstance(reply, ChatReply)


def _checked(result: ChatResult, read: Callable[[str], T], is_repaired: bool) -> JsonAnswer[T] | CallFailure:
    if isinstance(result, CallFailure):
        return result
    try:
        return JsonAnswer(read(result.text), result, is_repaired)
    except ValueError as error:
        return CallFailure("schema", str(error), result.text)


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {word: _closed(value) for word, value in node.items() if word != "default"}
    if "properties" in node:  # names of fields, which may be words of JSON Schema
        fields = {name: _closed(value) for name, value in node["properties"].items()}
        closed |= {"properties": fields, "additionalProperties": False, "required": sorted(fields)}
    return closed
