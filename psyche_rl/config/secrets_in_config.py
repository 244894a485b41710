"""Keys, users and passwords that somebody wrote into a config, which would go on into the run folder.

Collaborators: ``psyche_rl.masking`` knows what a secret looks like; ``load`` refuses the config before
anything else looks at it. Invariant: a problem names the place, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from psyche_rl.config.mistakes import dotted
from psyche_rl.config.remedies import Place
from psyche_rl.config.run import RunConfig
from psyche_rl.masking import has_login, mask_of_process, without_shapes
from psyche_rl.problem import ABSENT, Problem

KNOWN_FROM = 16
"""Characters of a secret of the environment from which on it is no chance that a config holds them too."""
_ONLY_SECRETS = re.compile(
    r"^(?:x-)?(?:api[_-]?key|authorization|password|access[_-]?token|client[_-]?secret)$", re.I
)
_REMEDY = (
    "a config is written into the run folder: name the variable that holds a server's key with api_key_env, "
    "and leave credentials of a storage to its own variables or files"
)


def secrets_in(tree: Mapping[Any, Any]) -> list[Problem]:
    """A problem for each place of a tree of values that holds a secret, or is named as if it did."""
    return [Problem(dotted(place), ABSENT, why, _REMEDY) for place, why in _found(tree, ())]


def variables_with_keys(config: RunConfig) -> list[str]:
    """The variables of the environment that hold keys, by what the config says."""
    servers = [server.api_key_env for server in config.teacher.servers()]
    return [name for name in (*servers, config.select.api_key_env, config.eval.judge.api_key_env) if name]


def _found(node: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(node, Mapping):
        for name, held in node.items():
            if (why := _secret(name)) is not None:
                yield (*place, "…"), f"the name of a key: {why}"
            elif isinstance(held, str | int) and _ONLY_SECRETS.match(str(name)):
                yield (*place, str(name)), "keys do not stand in a config"
            else:
                yield from _found(held, (*place, name if isinstance(name, int) else str(name)))
    elif isinstance(node, list | tuple):
        for number, held in enumerate(node):
            yield from _found(held, (*place, number))
    elif (why := _secret(node)) is not None:
        yield place, why


def _secret(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    if has_login(value):
        return "no user and no password in an address"
    if without_shapes(value) != value:
        return "this looks like a key"
    if len(value) >= KNOWN_FROM and mask_of_process().text(value) != value:
        return "a variable of the environment holds this as a secret"
    return None
