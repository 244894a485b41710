"""Reading JSON out of a chat reply: fenced, with words around it, or with a trailing comma."""

from __future__ import annotations

import json
import re
from typing import Any

_FENCE = re.compile(r"```(?:json|JSON)?\s*\n?(.*?)```", re.DOTALL)
_TRAILING_COMMA = re.compile(r",\s*(?=[\]}])")


def rows_in_reply(reply: str) -> list[dict[str, Any]]:
    """The JSON objects of a reply: of its list, of the one list in its object, or the object itself.

    Raises:
        ValueError: there is no JSON in it, or it is cut off.
    """
    fenced = _FENCE.search(reply)
    text = (fenced[1] if fenced else reply).strip()
    begin = min((at for mark in "[{" if (at := text.find(mark)) >= 0), default=-1)
    if begin < 0:
        raise ValueError("no JSON in the reply")
    tree = _decode(text[begin:])
    if isinstance(tree, dict):
        lists = [value for value in tree.values() if isinstance(value, list) and value]
        tree = lists[0] if len(lists) == 1 and isinstance(lists[0][0], dict) else [tree]
    rows = [row for row in tree if isinstance(row, dict)]
    if not rows:
        raise ValueError("no objects in the reply's JSON")
    return rows


def _decode(text: str) -> Any:
    """The first JSON value of a text; words after it are let pass."""
    try:
        return json.JSONDecoder(strict=False).raw_decode(text)[0]
    except json.JSONDecodeError:
        repaired = _TRAILING_COMMA.sub("", text)
    try:
        return json.JSONDecoder(strict=False).raw_decode(repaired)[0]
    except json.JSONDecodeError as error:
        raise ValueError(f"broken JSON: {error.msg} at character {error.pos}") from None
