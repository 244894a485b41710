"""One figure of the leaderboard, with what it stands on.

Pure. Collaborator: ``evaluation.benchmark_figures`` works out figures and intervals; this adds what a reader
needs beside them. Invariants:
- What could not be scored is counted beside the figure, never in it as 0.
- Contamination is a count, or None where nobody has looked; it is never taken for none.
"""

from __future__ import annotations

from psyche_rl.records import Record


class BoardCell(Record):
    """A model on a part of a benchmark by one figure; the row of the parquet file.

    - ``group`` is a part, or empty for the whole benchmark.
    - ``value`` is in the figure's own unit (accuracies in [0, 1]), None where no item has it; ``low`` and
      ``high`` bound it with ``confidence``; ``n`` counts items.
    - ``contaminated`` is how many of them stand in the model's training records, ``value_clean`` the figure
      without those.
    - Published figures have a ``source`` and no rows behind them.
    """

    model: str
    benchmark: str
    group: str
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    n: int | None = None
    clusters: int | None = None
    unscored: int | None = None
    contaminated: int | None = None
    value_clean: float | None = None
    published: bool = False
    source: str | None = None

    @property
    def column(self) -> tuple[str, str, str]:
        """What the cell is compared by."""
        return self.benchmark, self.group, self.metric
