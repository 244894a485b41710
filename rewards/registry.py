"""Which class a name in a reward set means: a shipped reward, or ``module:Class`` for one's own.

Collaborators: ``reference`` knows the names. Classes are imported when first named, so that
``import rewards`` stays fast.

    >>> reward_class("mcq_strict").__name__
    'McqStrict'
"""

from __future__ import annotations

import importlib

from rewards.reference import SHIPPED
from rewards.reward import Reward


def reward_class(reference: str) -> type[Reward]:
    """The class behind a shipped name or a ``module:Class`` path.

    Raises:
        KeyError: no shipped reward has this name.
        ValueError: the path leads to no reward class; the text says why.
    """
    module, colon, path = reference.partition(":")
    if not colon:
        module, path = f"rewards.shipped.{reference}", SHIPPED[reference]
    try:
        found = importlib.import_module(module)
        for attribute in path.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"cannot import {reference!r}: {error}") from None
    if not (isinstance(found, type) and issubclass(found, Reward)):
        raise ValueError(f"{reference!r} is not a subclass of rewards.Reward")
    return found
