"""A benchmark that GRPO is measured on while it trains."""

from __future__ import annotations

from pydantic import Field

from psyche_rl.config.base import Section
from psyche_rl.config.bounds import Count, Tokens

DEV_METRIC = "eval/strict_accuracy"
"""What the dev split measures."""
BENCH = "bench/"
"""Before the names of what benchmarks measure: ``bench/<benchmark>/<figure>``."""


class TrainingEvaluation(Section):
    """The benchmark's own prompt, sampling and metrics, one reply an item."""

    benchmark: str = Field(min_length=1)
    """Name, or the path of a description (.yaml)."""
    data: str | None = None
    """File or folder of its data, where it needs any."""
    every: Count = 50
    """Steps between measurements; the first is before training, the last at its end."""
    items: Count | None = 200
    """So many, evenly over the benchmark; unset, all."""
    max_tokens: Tokens | None = None
    """Of a reply; unset, the benchmark's."""
