"""The settings of a reward class: the parameters of its constructor, checked by their annotations.

Collaborators: ``reward.py`` reads settings back from an instance, ``reward_set.py`` builds instances
from a description. Both go through the same pydantic model, so that ``1`` from Python and ``1.0`` from
YAML are one setting where the annotation says ``float``.
"""

from __future__ import annotations

import inspect
import typing
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

RESERVED = ("reward", "compose", "rewards", "name", "weight", "kinds")
"""Keys of a description that are not settings."""


@lru_cache(maxsize=1024)
def settings_model(cls: type) -> type[BaseModel]:
    """A model with one field per constructor parameter; unknown fields are refused.

    Raises:
        TypeError: a parameter is named like a reserved key, or is ``*args`` or ``**kwargs``.
    """
    constructor: Any = cls.__init__  # type: ignore[misc]
    parameters = list(inspect.signature(constructor).parameters.values())[1:]
    if constructor is object.__init__:
        parameters = []
    hints = typing.get_type_hints(constructor, include_extras=True) if parameters else {}
    fields: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"{cls.__name__}: a setting has a name of its own, not *{parameter.name}")
        if parameter.name in RESERVED:
            raise TypeError(f"{cls.__name__}: no setting may be called {parameter.name!r}")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints.get(parameter.name, Any), default)
    config = ConfigDict(extra="forbid", protected_namespaces=(), validate_default=True)
    return create_model(cls.__name__, __config__=config, **fields)


def current_settings(reward: Any) -> dict[str, Any]:
    """The settings of an instance as JSON-able values, read from its attributes.

    Raises:
        TypeError: a constructor parameter is not kept as an attribute of the same name.
    """
    cls: type = type(reward)
    model = settings_model(cls)
    missing = [name for name in model.model_fields if not hasattr(reward, name)]
    if missing:
        raise TypeError(
            f"{cls.__name__} keeps no attribute {missing[0]!r}: keep each constructor parameter "
            "under its own name, or override settings()"
        )
    values = {name: getattr(reward, name) for name in model.model_fields}
    return model.model_validate(values).model_dump(mode="json")
