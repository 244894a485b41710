"""Everything that is told of runs against each other: put together once, shown as tables, JSON or a page.

Collaborators: ``compared_run`` reads; ``launch.cli.compare`` prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psyche_rl.evaluation.cluster_draws import AS_USUAL, BootstrapSettings
from psyche_rl.evaluation.without_nan import without_nan
from psyche_rl.run_comparison.compared_curves import ComparedCurve, compared_curves
from psyche_rl.run_comparison.compared_run import ComparedRun, read_runs
from psyche_rl.run_comparison.final_accuracies import AccuracyTest, accuracy_tests
from psyche_rl.run_comparison.setting_differences import SettingDifference, setting_differences


@dataclass(frozen=True)
class RunComparison:
    """Two runs or more."""

    runs: tuple[ComparedRun, ...]
    settings: tuple[SettingDifference, ...]
    curves: tuple[ComparedCurve, ...]
    tests: tuple[AccuracyTest, ...]

    def as_json(self) -> dict[str, Any]:
        """As strict JSON."""
        runs = [
            {
                "letter": run.letter,
                "name": run.name,
                "url": run.url,
                "stages": {name: entry.status for name, entry in run.stages.items()},
                "accuracies": dict(run.summary),
            }
            for run in self.runs
        ]
        told: dict[str, Any] = without_nan(
            {
                "runs": runs,
                "settings": [asdict(difference) for difference in self.settings],
                "curves": [curve.as_json() for curve in self.curves],
                "tests": [test.as_json() for test in self.tests],
            }
        )
        return told


def compare_runs(urls: Sequence[str], settings: BootstrapSettings = AS_USUAL) -> RunComparison:
    """The runs in these folders.

    Raises:
        ConfigError: fewer than two, or one of them twice.
        RunFolderError: there is no run there, or a file of it is damaged.
    """
    runs = read_runs(urls)
    return RunComparison(
        tuple(runs),
        tuple(setting_differences(runs)),
        tuple(compared_curves(runs)),
        tuple(accuracy_tests(runs, settings)),
    )
