"""The base of all config sections: frozen, strict, and helpful about typing errors."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen part of the config; an unknown key is an error (see ``load.py`` for its message)."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
