"""Errors a user can act on.

Every error here is one line that names what is wrong, where, and the remedy; ``ProblemsError`` is several.
``launch`` prints it without a traceback and exits with its ``exit_code``; anything else is a defect and
shows a traceback. No line holds a secret (``masking``).
"""

from __future__ import annotations

from collections.abc import Sequence

from psyche_rl.masking import masked
from psyche_rl.problem import Problem


class PsycheError(Exception):
    """Base of all user-facing errors: ``str(error)`` is one line, fit to print as it is."""

    exit_code = 2

    def __str__(self) -> str:
        return masked(" ".join(super().__str__().split()))


class ConfigError(PsycheError):
    """A config file, key or override is wrong."""


class ProblemsError(ConfigError):
    """Several things are wrong with a run, all told at once: a line each, after the name of the config."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source, self.problems = source, tuple(problems)
        super().__init__(source, self.problems)

    def __str__(self) -> str:
        return "\n".join(f"{self.source}: {problem.line()}" for problem in self.problems)


class PlacementError(ConfigError):
    """What a stage wants does not fit the cluster."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem)

    def __str__(self) -> str:
        return self.problem.line()


class DataError(PsycheError):
    """An input file is missing or unusable as a whole (single bad rows are quarantined instead)."""


class ModelError(PsycheError):
    """A model folder is missing, incomplete or does not fit its use."""


class ChatTemplateError(ModelError):
    """A model has no chat template, or one that refuses these turns (a system turn, two users in a row)."""


class TeacherError(PsycheError):
    """The LLM endpoint cannot be reached or refuses every call."""


class HubError(PsycheError):
    """A model hub cannot be reached, or refuses what it is sent."""


class BudgetError(PsycheError):
    """The calls to the LLM have used up what they may cost."""


class RunFolderError(PsycheError):
    """The run folder holds something that the requested run contradicts."""


class DamagedFolderError(RunFolderError):
    """A folder of the run is not as it was written, or was never written to its end."""


class WeightSyncError(PsycheError):
    """An engine does not serve the weights it was given."""

    exit_code = 3


class StalenessError(PsycheError):
    """Versions of weights contradict each other, or a sample is older than the bound allows."""

    exit_code = 3


class NonFiniteError(PsycheError):
    """A loss, a gradient or a weight is not a finite number; it was not applied, saved or published."""

    exit_code = 3


class RewardBudgetError(PsycheError):
    """Too many scorers failed; training on the rest would be training on noise."""

    exit_code = 3


class LedgerError(PsycheError):
    """The books of a training run do not close, so samples were lost or counted twice; or cannot be read."""

    exit_code = 1


class RemoteWaitError(PsycheError):
    """A remote call passed its deadline or its actor died.

    The message names actor, phase and weight version, so that a hang always has a name.
    """

    exit_code = 3

    def __init__(self, actor: str, phase: str, version: int | None, why: str) -> None:
        self.actor, self.phase, self.version = actor, phase, version
        at = "" if version is None else f" at weight version {version}"
        super().__init__(f"{actor} in phase '{phase}'{at}: {why}")
        self._why = why

    def __reduce__(self) -> tuple[type[RemoteWaitError], tuple[str, str, int | None, str]]:
        """Travels between processes, which by default would make it anew from its message alone."""
        return type(self), (self.actor, self.phase, self.version, self._why)
