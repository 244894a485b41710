"""What a teacher's reply says, where JSON was asked for: rows, or a value of a given shape.

Role: on top of ``rewards.text.json_values``, which finds the JSON amid drafts, fences and words.
Invariant: the reading depends on the reply alone; what does not fit is a ValueError of one line that a model
can act on.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from rewards.text.json_values import json_values

M = TypeVar("M", bound=BaseModel)
MOST_FAULTS = 3


def rows_in_reply(reply: str) -> list[dict[str, Any]]:
    """The JSON objects of a reply: of its lists, of the one list in an object, or the objects themselves.

    Raises:
        ValueError: there is no JSON in it, or it is cut off.
    """
    rows = [row for found in json_values(reply) for row in _rows(found.value)]
    if not rows:
        raise ValueError("no objects in the reply's JSON")
    return rows


def read_json(reply: str, shape: type[M]) -> M:
    """The first JSON value of a reply that fits ``shape``; those amid words come last.

    Where the shape is an object around one list, a bare list will do, and so will its items one by one.

    Raises:
        ValueError: there is no JSON, it is cut off, or none fits.
    """
    found = sorted(json_values(reply), key=lambda each: not each.stands)
    values = [each.value for each in found]
    lists = [n for n, f in shape.model_fields.items() if str(f.annotation).startswith(("list", "tuple"))]
    if len(lists) == len(shape.model_fields) == 1:
        values = [{lists[0]: value} if isinstance(value, list) else value for value in values]
        if len(found) > 1:
            values.append({lists[0]: [each.value for each in found]})
    told = ""
    for value in values:
        try:
            return shape.model_validate(value)
        except ValidationError as error:
            told = told or _in_one_line(error)
    raise ValueError(told or "the reply holds no value") from None


def _rows(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        lists = [held for held in value.values() if isinstance(held, list) and held]
        value = lists[0] if len(lists) == 1 and isinstance(lists[0][0], dict) else [value]
    return [row for row in value if isinstance(row, dict)]


def _in_one_line(error: ValidationError) -> str:
    faults = [
        f"{'.'.join(str(part) for part in fault['loc']) or 'the whole'}: {fault['msg']}"
        for fault in error.errors()[:MOST_FAULTS]
    ]
    more = error.error_count() - len(faults)
    return "; ".join(faults) + (f"; and {more} more" if more > 0 else "")
