"""What matched what, by which rule and how well; and the summary that reports carry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from psyche_rl.records import Record

Rule = Literal["exact", "ngram", "minhash", "edits", "embedding"]
RULES: tuple[Rule, ...] = get_args(Rule)
"""The surest first."""
Part = Literal["question", "stem", "case"]


class ContaminationMatch(Record):
    """A training record and an evaluation item in it.

    ``score`` is 1 for "exact", the lower of the shares of stem and options for "ngram", the Jaccard
    similarity for "minhash", that by edits for "edits" and the cosine for "embedding". ``part`` says what of
    the item was found: the question with its options, the stem alone, or the case that it belongs to.
    """

    record_id: str
    record_kind: str
    rule: Rule
    part: Part
    score: float
    evaluation_set: str
    place: str
    item: str
    record: str


def summary(
    matches: Sequence[ContaminationMatch],
    compared: Mapping[str, int],
    sets: Mapping[str, int],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Counts for reports: records compared and removed by kind, matches by set and rule.

    A record that matches several items counts once in ``removed``.
    """
    removed = Counter(kind for kind, _ in dict.fromkeys((m.record_kind, m.record_id) for m in matches))
    by_set: dict[str, dict[str, int]] = {name: {} for name in sets}
    for match in matches:
        rules = by_set.setdefault(match.evaluation_set, {})
        rules[match.rule] = rules.get(match.rule, 0) + 1
    return {
        "compared": dict(compared),
        "removed": {kind: removed.get(kind, 0) for kind in compared},
        "sets": {name: {"items": count, "matches": by_set[name]} for name, count in sets.items()},
        "settings": dict(settings),
    }
