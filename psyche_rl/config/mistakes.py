"""Everything that is wrong with a tree of config values, each as a problem with its remedy.

Role: pydantic looks at what holds between keys only where each is right by itself. So what is wrong is taken
out, which leaves the defaults, and the rest is looked at again until nothing is wrong with it.
Collaborators: ``base`` (what validators raise), ``remedies`` (what to do about pydantic's own errors).
Invariant: nothing is told that only the taking out has brought about.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from psyche_rl.config.base import ContradictionError, RefusedError
from psyche_rl.config.inheritance import is_inherited
from psyche_rl.config.remedies import Place, remedy, wrong
from psyche_rl.config.run import RunConfig
from psyche_rl.problem import ABSENT, Problem

COMMON = ("engine", "learner")
"""Sections that stages inherit from."""


def mistakes(tree: Mapping[Any, Any]) -> list[Problem]:
    """All problems of ``tree``; empty where it is a config."""
    rest, found, removed = copy.deepcopy(dict(tree)), list[Problem](), set[str]()
    while details := _details(rest):
        told = [one for detail in details for one in _problems(detail, rest)]
        found += [problem for places, problem in told if not any(_is_known(p, removed) for p in places)]
        removed |= {dotted(place) for places, _ in told for place in places}
        taken = [_take(rest, place) for places, _ in told for place in places]
        if not any(taken):
            break
    return list({problem.line(): problem for problem in found}.values())


def dotted(place: Place) -> str:
    """``teacher.endpoints[0].weight``."""
    first, *others = place
    return str(first) + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in others)


def _details(tree: Mapping[Any, Any]) -> list[ErrorDetails]:
    try:
        RunConfig.model_validate(tree)
    except ValidationError as error:
        return [detail for detail in error.errors() if not is_inherited(tree, detail["loc"])]
    return []


def _problems(detail: ErrorDetails, tree: Mapping[Any, Any]) -> Iterator[tuple[list[Place], Problem]]:
    """Each with the places it is about."""
    place, error = _written(detail["loc"], tree), detail.get("ctx", {}).get("error")
    if isinstance(error, ContradictionError):
        for one in error.found:
            places: list[Place] = [_written((*place, *key.split(".")), tree) for key in one.keys]
            yield places, Problem(dotted(places[0]), one.value, one.wrong, one.remedy)
        return
    if isinstance(error, RefusedError):
        value = ABSENT if error.secret else detail["input"]
        yield [place], Problem(dotted(place), value, error.wrong, error.remedy)
    else:
        value = ABSENT if detail["type"] == "missing" else detail["input"]
        yield [place], Problem(dotted(place), value, wrong(detail), remedy(detail))


def _written(place: Place, tree: Mapping[Any, Any]) -> Place:
    """Where a value stands that a stage has from a common section."""
    if len(place) < 3 or place[1] not in COMMON:
        return place
    node: Any = tree
    for part in place[:3]:
        if not isinstance(node, Mapping) or part not in node:
            return place[1:]
        node = node[part]
    return place


def _is_known(place: Place, removed: set[str]) -> bool:
    """Whether it, something in it or something around it was taken out."""
    key = dotted(place)
    return any(
        key == other or key.startswith(f"{other}.") or other.startswith(f"{key}.") for other in removed
    )


def _take(tree: dict[Any, Any], place: Place) -> bool:
    """Take a key out of ``tree``; an item of a list goes with the whole list, a required key gets a value."""
    node = tree
    for depth, part in enumerate(place, 1):
        key = next((key for key in node if str(key) == str(part)), None)
        if key is None:
            if place != ("run_dir",):
                return False
            node["run_dir"] = "runs/x"
            return True
        if depth == len(place) or not isinstance(node[key], dict):
            del node[key]
            return True
        node = node[key]
    return False
