"""Whether the domain of a run is there and whole."""

from __future__ import annotations

from collections.abc import Sequence

from launch.checks.run_findings import RunFindings
from psyche_rl.config import RunConfig
from psyche_rl.errors import ConfigError, ProblemsError


def check_domain(config: RunConfig, stages: Sequence[str], findings: RunFindings) -> None:
    """Each fault of its folder, with the file."""
    if "synth" not in stages:
        return
    from data_pipeline.domains import load_domain

    try:
        load_domain(config.domain)
    except ProblemsError as error:
        for one in error.problems:
            findings.problem("domain", config.domain, f"{one.key}: {one.wrong}", one.remedy)
    except ConfigError as error:
        findings.error("domain", config.domain, error, "correct the name or the path")
