"""Which field of a request a server refuses, by its own words, and how to leave it out. Pure.

Sources: OpenAI's error object (``param``, ``code``), pydantic's ``loc`` as FastAPI, vLLM and Mistral send it,
and messages that name the field in running text.
Invariant: only a field that was sent is ever named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from psyche_rl.config.request_body import OmittedField

OMITTABLE: tuple[str, ...] = get_args(OmittedField)
_ALWAYS_TAKEN = ("model", "messages")
_UNKNOWN = re.compile(
    r"unsupported|not supported|does ?n.t support|not support|not permitted|not allowed|forbidden"
    r"|extra inputs|unrecogni[sz]ed|unknown|unexpected|cannot find field|additional propert",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RefusedField:
    """``is_unknown``: whatever its value, so that every call with it will be refused."""

    name: str
    is_unknown: bool
    remedy: str


def refused_field(content: bytes, body: bytes) -> RefusedField | None:
    """The field of ``body`` that the refusal ``content`` names, if it names one."""
    sent = [name for name in json.loads(body or b"{}") if name not in _ALWAYS_TAKEN]
    said = content.decode("utf-8", "replace")
    named = next((name for name in _names(_parsed(said)) if name in sent), None)
    if named is None:
        named = next((name for name in sent if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said)), None)
    if named is None:
        return None
    return RefusedField(named, bool(_UNKNOWN.search(said)), _remedy(named, sent))


def _remedy(name: str, sent: Sequence[str]) -> str:
    if name == "response_format":
        return "ask without a schema with teacher.structured_output=off"
    if name not in OMITTABLE:
        return "correct it in teacher.extra_body, or take it out"
    omitted = ", ".join(known for known in OMITTABLE if known not in sent or known == name)
    remedy = f"leave it out with teacher.omit=[{omitted}] (select.omit where it is a selector's)"
    if name == "max_tokens" and "max_completion_tokens" not in sent:
        remedy += " and give the limit as 'teacher.extra_body={max_completion_tokens: 2048}'"
    return remedy


def _parsed(said: str) -> Any:
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return None


def _names(found: Any) -> Iterator[str]:
    """What stands under ``param`` or ``loc`` anywhere in an error object."""
    waiting = [found]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, dict):
            yield from _strings(node.get("param"))
            yield from _strings(node.get("loc"))
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _strings(value: Any) -> Iterator[str]:
    """A name, or the names of a path; ``body.seed`` and ``messages[0].name`` are paths."""
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, str):
            yield part
            yield from re.split(r"[.\[\]]+", part)
