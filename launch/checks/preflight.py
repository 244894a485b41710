"""Every mistake of a run that can be found without paying for anything.

Role: ``check_run`` looks at all that the wanted stages will need of the user; ``refuse`` ends the run where
something is wrong.
Collaborators: one module for each kind of thing that is looked at.
Invariants:
- Nothing is written, called or downloaded.
- A check never raises.
- Ray is not started, and torch, transformers and Ray are imported only where something is there that needs
  them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from launch.checks.benchmarks import check_benchmarks
from launch.checks.domains import check_domain
from launch.checks.exams import check_exam
from launch.checks.machine import check_machine
from launch.checks.models import check_models
from launch.checks.own_rewards import check_reward
from launch.checks.run_findings import RunFindings
from launch.checks.sources import check_given, check_paths
from launch.checks.teachers import check_servers
from launch.checks.trackers import check_trackers
from psyche_rl.config import RunConfig
from psyche_rl.errors import ProblemsError
from psyche_rl.placement.cluster_shape import ClusterShape
from psyche_rl.problem import Problem
from psyche_rl.stages.membership import in_run

Check = Callable[[RunConfig, Sequence[str], RunFindings], None]
CHECKS: tuple[Check, ...] = (
    check_given,
    check_paths,
    check_trackers,
    check_domain,
    check_servers,
    check_models,
    check_reward,
    check_exam,
    check_benchmarks,
)
"""The cheapest first; last comes the machine."""


def check_run(config: RunConfig, stages: Sequence[str], shape: ClusterShape | None = None) -> RunFindings:
    """What is wrong with a run of ``stages``, and what could not be checked.

    Args:
        shape: of a pretended cluster, in place of the one there is.
    """
    findings = RunFindings()
    stages = [stage for stage in stages if in_run(stage, config)]
    for check in CHECKS:
        check(config, stages, findings)
    check_machine(config, stages, findings, shape)
    return findings


def refuse(source: str, problems: Sequence[Problem]) -> None:
    """End here if there is a problem; ``source`` names the config.

    Raises:
        ProblemsError: all of them, a line each.
    """
    if problems:
        raise ProblemsError(source, problems)
