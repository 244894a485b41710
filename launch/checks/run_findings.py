"""What the checks of a run have found: problems, and what could not be looked at.

Pure data. Invariant: nothing is passed over in silence, so a check that cannot be made here says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from psyche_rl.placement.planner import StagePlan
from psyche_rl.problem import Problem


@dataclass
class RunFindings:
    """Filled by the checks one after another."""

    problems: list[Problem] = field(default_factory=list)
    plans: list[StagePlan] = field(default_factory=list)
    """Of the stages that fit the cluster."""
    unchecked: list[str] = field(default_factory=list)
    """One line each: what was not checked, and why."""

    def problem(self, key: str, value: object, wrong: str, remedy: str) -> None:
        """Note a mistake; one that is known already stays one."""
        found = Problem(key, value, wrong, remedy)
        if found.line() not in {known.line() for known in self.problems}:
            self.problems.append(found)

    def error(self, key: str, value: object, error: Exception, remedy: str) -> None:
        """Note an error that a reader raised; it may name its own remedy after a semicolon."""
        wrong, _, own = str(error).partition("; ")
        self.problem(key, value, wrong, own or remedy)

    def skip(self, *lines: str) -> None:
        """Note what was not checked."""
        self.unchecked += [line for line in lines if line not in self.unchecked]

    def about(self, key: str) -> bool:
        """Whether something is known to be wrong with ``key``."""
        return any(problem.key == key for problem in self.problems)
