"""A reward on its way to a process that may be on another machine.

Invariant: ``pickle.loads`` of what is sent gives the reward; modules that were loaded from files are in it
as text, so that nobody else needs the files. A class of an installed module travels by name, one of a script
or notebook by value.
"""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle

from rewards import Reward
from rewards.own_modules import OwnModule, install, own_modules


class _Parcel:
    def __init__(self, modules: tuple[OwnModule, ...], reward: bytes) -> None:
        self._contents = modules, reward

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpack, self._contents


def pickled_reward(reward: Reward) -> bytes:
    """``reward`` and the modules of one's own that it is made of."""
    pickled: bytes = cloudpickle.dumps(reward)
    needed = tuple(module for module in own_modules() if module.name.encode() in pickled)
    return pickle.dumps(_Parcel(needed, pickled))


def _unpack(modules: tuple[OwnModule, ...], reward: bytes) -> Any:
    for module in modules:
        install(module)
    return pickle.loads(reward)
