"""Which class a name in a reward set means: a shipped reward, or ``module:Class`` for one's own.

Collaborators: ``reference`` knows the names. Classes are imported when first named, so that
``import rewards`` stays fast.

    >>> reward_class("mcq_strict").__name__
    'McqStrict'
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from rewards.own_modules import load_own_module, loaded_as
from rewards.reference import SHIPPED
from rewards.reward import Reward


def reward_class(reference: str, beside: Path | None = None, described: bool = False) -> type[Reward]:
    """The class behind a shipped name or a ``module:Class`` path.

    Args:
        beside: folder of the reward set, where a module of one's own is looked for first.
        described: the reference may also name a module that this process has imported.

    Raises:
        KeyError: no shipped reward has this name.
        ValueError: the path leads to no reward class; the text says why.
    """
    module, colon, path = reference.rpartition(":")
    try:
        if not colon:
            name, path = f"rewards.shipped.{reference}", SHIPPED[reference]
            found: Any = importlib.import_module(name)
        else:
            known = (loaded_as(module) or sys.modules.get(module)) if described else None
            found = known or load_own_module(module, beside)
        for attribute in path.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"cannot import {reference!r}: {error}") from None
    if not (isinstance(found, type) and issubclass(found, Reward)):
        raise ValueError(f"{reference!r} is not a subclass of rewards.Reward")
    return found
