"""Something wrong with a run that can be told before it starts: which key, its value, why, and the remedy.

Pure data. Collaborators: ``psyche_rl.config`` finds problems in the config itself, ``launch.checks`` in what
it names; both raise them together as :class:`psyche_rl.errors.ProblemsError`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psyche_rl.masking import is_named_as_secret, masked

MAX_SHOWN = 80
"""Characters of a value in a line; a longer one is cut."""


class Absent:
    """Stands for the value of a key that has none."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()


@dataclass(frozen=True)
class Problem:
    """``key`` is dotted, as one writes it in an override; empty where the whole file is meant."""

    key: str
    value: Any
    wrong: str
    remedy: str

    def line(self) -> str:
        """``'grpo.lr': Input should be less than or equal to 1 (given: 3.0); give a number of at most 1``."""
        name = f"'{self.key}': " if self.key else ""
        given = (
            ""
            if self.value is ABSENT or is_named_as_secret(self.key.rpartition(".")[2])
            else f" (given: {self.shown_value})"
        )
        return masked(" ".join(f"{name}{self.wrong}{given}; {self.remedy}".split()))

    @property
    def shown_value(self) -> str:
        """The value as Python writes it, cut to a line's share."""
        shown = masked(repr(self.value))  # before it is cut
        return shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 1] + "…"
