"""Where the rows stand in a JSON or YAML file that holds them in one tree.

Role: pure functions; ``raw_rows`` takes the rows, ``decontamination`` takes some out and keeps the shape.
Known shapes: a list of rows; a mapping with one or several lists of rows beside other entries (``version``,
``data``; ``train``, ``test``); a mapping from ids to rows; a single row.
Invariant: :func:`with_rows` of all rows as they are is the tree itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ROW_KEYS = _words(
    "question stem query prompt instruction input output answer options option choices text content passage"
    " body messages dialogue dialog conversation conversations questions_and_answers post reply response"
    " answers turns history description analysis explanation gold label"
)
"""What rows have; a mapping with one of these is a row. (``questions`` is a list of rows, like ``data``.)"""
CONTAINERS = _words(
    "data rows items examples records questions instances samples entries dataset list results train test dev"
    " val valid validation"
)
CASE_KEYS = _words("case general_info case_introduction scenario background")
Place = tuple[Any, ...]
"""Keys and indices that lead from the root to a row."""


def rows_in(tree: Any) -> list[tuple[Place, Any]]:
    """(place, row) of each row, in order.

    Raises:
        ValueError: the tree is neither a list nor a mapping.
    """
    if isinstance(tree, list):
        return [((at,), row) for at, row in enumerate(tree)]
    if not isinstance(tree, dict):
        raise ValueError(f"holds {type(tree).__name__}, not rows")
    holders = [key for key in tree if _holds_rows(key, tree)]
    if holders:
        return [((key, at), row) for key in holders for at, row in enumerate(tree[key])]
    if _is_row(tree):
        return [((), tree)]
    ids = [key for key, value in tree.items() if isinstance(value, dict)]
    if ids and (len(ids) > 1 or len(tree) == 1):
        return [((key,), tree[key]) for key in ids]
    return [((), tree)]


def with_rows(tree: Any, kept: Mapping[Place, Any]) -> Any:
    """The tree with these rows in the places of theirs and without the others; a single row that is not kept
    leaves an empty list."""
    places = [place for place, _ in rows_in(tree)]
    if places == [()]:
        return kept.get((), [])
    if isinstance(tree, list):
        return [kept[place] for place in places if place in kept]
    inside = {place[0] for place in places}
    shaped: dict[Any, Any] = {}
    for key, value in tree.items():
        if key not in inside:
            shaped[key] = value
        elif (key,) in kept:
            shaped[key] = kept[key,]
        elif isinstance(value, list):
            shaped[key] = [kept[key, at] for at in range(len(value)) if (key, at) in kept]
    return shaped


def _is_row(tree: Mapping[Any, Any]) -> bool:
    return any(str(key).lower() in ROW_KEYS for key in tree)


def _holds_rows(key: Any, tree: Mapping[Any, Any]) -> bool:
    held, name = tree[key], str(key).lower()
    if not isinstance(held, list) or not held or name in ROW_KEYS:
        return False
    if any(str(each).lower() in CASE_KEYS for each in tree):
        return False  # the questions of one case are a row together
    if isinstance(held[0], dict):
        return _is_row(held[0]) if _is_row(tree) else name in CONTAINERS or _is_row(held[0]) or len(tree) == 1
    return isinstance(held[0], str) and name in CONTAINERS and not _is_row(tree)
