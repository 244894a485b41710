"""EQ-Bench v2's score of four emotion intensities.

- The gold is a JSON object of four emotions -> intensity 0 to 10 (the reference's fullscale scores).
- The answer part gives ``Emotion: 7`` four times. After a heading ``Revised scores:`` only those count.
- An emotion at distance d costs 0 for d = 0, 6.5 / (1 + e^(-1.2 (d - 4))) for d <= 5, else d.
- The item's score is 10 - 0.7477 x the sum of the four, so that guessing earns about 0.
- ``value`` is a tenth of it (1.0 at best), the part ``item_score`` the published figure.

Source: EQ-Bench (Paech 2023, arXiv 2312.06281), version 2, ``calculate_score_fullscale`` in
``lib/scoring.py`` of github.com/EQ-bench/EQ-Bench. There a reply that lacks one of the four, or names
others, is left out of the mean as unparsable. A reward cannot leave it out, so it gets what being wrong by 10
four times would.

    >>> from rewards import EqBench, RewardSample
    >>> ask = dict(id="1", gold='{"Surprise": 7, "Relief": 2, "Anger": 0, "Hope": 5}', kind="case")
    >>> reply = "First pass scores: Hope: 1\\nRevised scores:\\nSurprise: 7\\nRelief: 2\\nAnger: 0\\nHope: 5"
    >>> EqBench().score(RewardSample(response=reply, **ask)).value
    1.0
    >>> round(EqBench().score(RewardSample(response="", **ask)).value, 4)
    -1.9908
"""

from __future__ import annotations

import math
import re

from rewards.reply import answer_part
from rewards.reward import Reward
from rewards.score import RewardSample, Score
from rewards.shipped.questionnaire_error import gold_scores
from rewards.text.canonical import canonical_text
from rewards.text.phrases import phrase_key

EMOTIONS, TOP, ADJUST = 4, 10.0, 0.7477
"""Emotions a question, the highest intensity, and the constant that puts guessing at 0."""
_REVISED = re.compile(r"revised scores|修正后的?(?:分数|评分)", re.IGNORECASE)
_RATING = re.compile(r"([^\W\d_][^\W\d_ ]{0,40})\W{0,6}:\W{0,6}(\d+(?:\.\d+)?)")


class EqBench(Reward):
    """The question's score / 10."""

    name = "eq_bench"

    def check(self, sample: RewardSample) -> str | None:
        """A gold that is not four emotions -> 0 to 10."""
        try:
            gold = gold_scores(sample.gold)
        except ValueError as error:
            return str(error)
        fine = len(gold) == EMOTIONS and all(0 <= score <= TOP for score in gold.values())
        return None if fine else f"gold {sample.gold!r} is not four emotions -> 0 to 10"

    def score(self, sample: RewardSample) -> Score:
        """-1.9908 to 1.0; error ``bad_gold`` where the gold is not four emotions -> 0 to 10."""
        if complaint := self.check(sample):
            return Score.failed("bad_gold", f"sample {sample.id}: {complaint}")
        gold = {phrase_key(emotion): score for emotion, score in gold_scores(sample.gold).items()}
        said = ratings(answer_part(sample.response))
        readable = said.keys() == gold.keys() and all(score <= TOP for score in said.values())
        distances = [abs(said[e] - gold[e]) if readable else TOP for e in gold]
        item_score = TOP - ADJUST * math.fsum(map(scaled, distances))
        return Score.of(item_score / TOP, {"item_score": item_score, "parsable": float(readable)})


def scaled(distance: float) -> float:
    """The published S-shaped scaling of a distance of 0 to 10."""
    if distance == 0:
        return 0.0
    return 6.5 / (1 + math.exp(-1.2 * (distance - 4))) if distance <= 5 else distance


def ratings(answer: str) -> dict[str, float]:
    """Emotion (as phrase key) -> intensity, from the revised scores where there are any."""
    text = canonical_text(answer)
    revised = list(_REVISED.finditer(text))
    return {phrase_key(e): float(v) for e, v in _RATING.findall(text[revised[-1].end() if revised else 0 :])}
