"""The rows of one model put together by item: several replies to an item are one item.

Names that are added where there are k > 1 replies with one of 0 and 1 for a metric: ``pass@k:mcq_strict``
and, where letters are read, ``maj@k:mcq_strict``. The metric's own name is then avg@k.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.repeated_samples import avg_at_k, maj_at_k, pass_at_k

OVER_SAMPLES = ("pass@", "maj@")
"""How the names begin that are added for several replies."""


@dataclass(frozen=True)
class ItemScores:
    """An item's first row, its scores over all replies, and what the replies were like."""

    row: ItemResult
    scores: dict[str, float]
    truncated: float
    tokens: float
    characters: float

    def length(self, in_tokens: bool) -> float:
        """The mean length of its replies."""
        return self.tokens if in_tokens else self.characters


def by_item(results: Sequence[ItemResult]) -> list[ItemScores]:
    """The items in the order of their first rows; of two rows with the same key the first counts."""
    groups: dict[str, dict[int, ItemResult]] = defaultdict(dict)
    for row in results:
        groups[row.item].setdefault(row.sample, row)
    return [_together([rows[at] for at in sorted(rows)]) for rows in groups.values()]


def _together(rows: Sequence[ItemResult]) -> ItemScores:
    scores: dict[str, float] = {}
    for name in dict.fromkeys(name for row in rows for name in row.scores):
        having = [row for row in rows if name in row.scores]
        values = [row.scores[name] for row in having]
        scores[name] = avg_at_k(values)
        k = len(values)
        if k > 1 and name.startswith("mcq_"):
            scores[f"maj@{k}:{name}"] = maj_at_k([row.answer for row in having], values)
            if set(values) <= {0.0, 1.0}:
                for few in dict.fromkeys((1, k)):
                    scores[f"pass@{few}:{name}"] = pass_at_k(int(sum(values)), k, few)
    n = len(rows)
    return ItemScores(
        row=rows[0],
        scores=scores,
        truncated=sum(row.ended == "length" for row in rows) / n,
        tokens=sum(row.response_tokens for row in rows) / n,
        characters=sum(len(row.response) for row in rows) / n,
    )
