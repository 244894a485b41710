"""Runs against each other: settings that differ, curves, and accuracies on the same items."""

from psyche_rl.run_comparison.run_comparison import RunComparison, compare_runs

__all__ = ["RunComparison", "compare_runs"]
