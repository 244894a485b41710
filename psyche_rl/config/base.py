"""The base of all config sections, and what a field says of itself when a run goes on.

- A section is frozen and strict; an unknown key is an error, and so are NaN and infinity.
- Keys that contradict each other are reported all at once (``contradictions``), each with its remedy.
- A field decides results unless its annotation says otherwise: ``Annotated[int, MayChange("why")]`` or
  ``Annotated[int, SpeedOnly("why")]``.
- ``psyche_rl.stages`` reads these marks; a test walks every field.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator


@dataclass(frozen=True)
class Contradiction:
    """Keys of a section that cannot go together; the first is the one to be named."""

    keys: tuple[str, ...]
    value: Any
    wrong: str
    remedy: str


class RefusedValueError(ValueError):
    """Raised by a validator of one key: why its value is refused, and the remedy. A secret is not shown."""

    def __init__(self, wrong: str, remedy: str, secret: bool = False) -> None:
        self.wrong, self.remedy, self.secret = wrong, remedy, secret
        super().__init__(f"{wrong}; {remedy}")


class ContradictionError(ValueError):
    """Raised within validation; ``load`` turns each contradiction into a line of its own."""

    def __init__(self, found: tuple[Contradiction, ...]) -> None:
        self.found = found
        super().__init__("; ".join(f"{one.keys[0]}: {one.wrong}; {one.remedy}" for one in found))


class Section(BaseModel):
    """A frozen part of the config; an unknown key is an error (see ``load.py`` for its message)."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False)

    def contradictions(self) -> Iterable[Contradiction]:
        """Whatever is wrong between the keys of this section, each of which is right by itself."""
        return ()

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if found := tuple(self.contradictions()):
            raise ContradictionError(found)
        return self


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
