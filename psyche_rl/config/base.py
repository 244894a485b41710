"""The base of all config sections, and what a field says of itself when a run goes on.

- A section is frozen and strict; an unknown key is an error (see ``load.py`` for its message).
- A field decides results unless its annotation says otherwise: ``Annotated[int, MayChange("why")]`` or
  ``Annotated[int, SpeedOnly("why")]``.
- ``psyche_rl.stages`` reads these marks; a test walks every field.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen part of the config."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


@dataclass(frozen=True)
class MayChange:
    """A stage may go on with another value; the manifest records the change and the step it happened at.

    Results stay comparable, but need not be the same to the last bit (other ranks add in another order).
    """

    why: str


@dataclass(frozen=True)
class SpeedOnly:
    """Another value gives the same records."""

    why: str
