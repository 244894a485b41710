"""Penalty for filling in a questionnaire wrongly: minus the normalised mean absolute error of the items.

- The gold is a JSON object of item -> score.
- The answer part gives an item a line (``1. 3``, ``第2题：0分``, ``失眠: 2``) or a JSON object.
- The value is ``-mean(|predicted - gold| / (max_score - min_score))``, 0.0 at best and -1.0 at worst.
- An item that is missing or off the scale counts as a full error, so an empty reply is worth -1.0.

Source: mean absolute error over the scale's range (NMAE), as in predicting PHQ-9 items from dialogue.

    >>> from rewards import QuestionnaireError, RewardSample
    >>> phq = QuestionnaireError(max_score=3)
    >>> ask = dict(id="1", gold='{"1": 3, "2": 0, "睡眠": 2, "4": 1}', kind="case")
    >>> score = phq.score(RewardSample(response="<think>1. 0</think>1. 3\\n第2题：1分\\n睡眠: 2", **ask))
    >>> round(score.value, 4), score.parts
    (-0.3333, {'items_read': 0.75})
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache

from rewards.reply import answer_part
from rewards.reward import Reward
from rewards.score import RewardSample, Score
from rewards.text.canonical import canonical_text
from rewards.text.phrases import phrase_key

LONGEST_ITEM = 120
"""Characters of an item with its score; a longer piece of text is prose."""
_PIECES = re.compile(r"[\n,;]")
_ITEM = re.compile(
    r"\W*(?:第|条目|题目|item|question|q)?\s*(?P<item>\S.*?)\s*(?:题|项)?\s*[:=.)、]\s*\**"
    r"(?P<score>-?\d+(?:\.\d+)?)\s*(?:分|points?)?\W*",
    re.IGNORECASE,
)


class QuestionnaireError(Reward):
    """``-NMAE`` over the gold's items.

    Raises:
        ValueError: the scale has no range.
    """

    name = "questionnaire_error"

    def __init__(self, max_score: float, min_score: float = 0.0) -> None:
        if not min_score < max_score:
            raise ValueError(f"min_score < max_score is needed, got {min_score} and {max_score}")
        self.max_score, self.min_score = max_score, min_score

    def check(self, sample: RewardSample) -> str | None:
        """A gold that is no JSON object of scores on the scale."""
        try:
            gold = gold_scores(sample.gold)
        except ValueError as error:
            return str(error)
        off = [item for item, score in gold.items() if not self.min_score <= score <= self.max_score]
        return f"gold item {off[0]!r} is off the scale" if off else None

    def score(self, sample: RewardSample) -> Score:
        """-1.0 to 0.0, with the share of items read; error ``bad_gold`` where the gold is no such object."""
        if complaint := self.check(sample):
            return Score.failed("bad_gold", f"sample {sample.id}: {complaint}")
        gold, read = gold_scores(sample.gold), self.item_scores(sample)
        width = self.max_score - self.min_score
        errors = [off / width for off in self._off(gold, read).values()]
        mean = math.fsum(errors) / len(errors)
        return Score.of(-mean if mean else 0.0, {"items_read": len(read) / len(gold)})

    def item_scores(self, sample: RewardSample) -> dict[str, float]:
        """The gold's items that the answer part scores on the scale, each with its score in points."""
        said = read_items(answer_part(sample.response))
        found = {
            item: said[phrase_key(item)] for item in gold_scores(sample.gold) if phrase_key(item) in said
        }
        return {item: score for item, score in found.items() if self.min_score <= score <= self.max_score}

    def item_errors(self, sample: RewardSample) -> dict[str, float]:
        """Of each item of the gold how many points the answer is off; the whole range where it gives none."""
        return self._off(gold_scores(sample.gold), self.item_scores(sample))

    def _off(self, gold: Mapping[str, float], read: Mapping[str, float]) -> dict[str, float]:
        width = self.max_score - self.min_score
        return {item: abs(read[item] - score) if item in read else width for item, score in gold.items()}


@lru_cache(maxsize=65536)
def gold_scores(gold: str) -> dict[str, float]:
    """The gold's item -> score; not to be changed.

    Raises:
        ValueError: it is not a non-empty JSON object of numbers with distinct names.
    """
    try:
        tree = json.loads(gold)
    except (ValueError, RecursionError):
        raise ValueError(f"gold {gold!r} is not JSON") from None
    fine = isinstance(tree, dict) and all(
        isinstance(v, int | float) and math.isfinite(v) for v in tree.values()
    )
    if not fine or not tree or len(set(map(phrase_key, tree)) - {""}) != len(tree):
        raise ValueError(f"gold {gold!r} is not an object of item -> score")
    return {item: float(score) for item, score in tree.items()}


def read_items(answer: str) -> dict[str, float]:
    """Item (as phrase key) -> score, as the answer part states them; the last statement of an item wins."""
    text = canonical_text(answer)
    begin, end = text.find("{"), text.rfind("}") + 1
    if 0 <= begin < end:
        try:
            tree = json.loads(text[begin:end])
            return {phrase_key(k): float(v) for k, v in tree.items() if isinstance(v, int | float)}
        except (ValueError, OverflowError, RecursionError):
            pass
    pieces = [piece for piece in _PIECES.split(text) if len(piece) <= LONGEST_ITEM]
    matches = filter(None, map(_ITEM.fullmatch, pieces))
    return {phrase_key(m["item"]): float(m["score"]) for m in matches}
