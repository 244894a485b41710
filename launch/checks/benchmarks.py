"""Whether the benchmarks that ``grpo.evaluations`` names are there, with their data."""

from __future__ import annotations

from collections.abc import Sequence

from launch.checks.run_findings import RunFindings
from psyche_rl.config import RunConfig
from psyche_rl.errors import DataError, PsycheError

KEY = "grpo.evaluations"


def check_benchmarks(config: RunConfig, stages: Sequence[str], findings: RunFindings) -> None:
    """Each has a description and at least one item."""
    if "grpo" not in stages or not config.grpo.evaluations:
        return
    from data_pipeline.benchmarks.load_items import load_items
    from psyche_rl.evaluation.catalogue import find_benchmark

    for number, each in enumerate(config.grpo.evaluations):
        try:
            load_items(find_benchmark(each.benchmark), each.data)
        except DataError as error:
            findings.error(f"{KEY}[{number}].data", each.data, error, "give its file or folder")
        except PsycheError as error:
            findings.error(
                f"{KEY}[{number}].benchmark", each.benchmark, error, "psyche-rl bench list shows them"
            )
