"""Mathematical equality with the gold, by Math-Verify.

What the answer part states is parsed by ``math_verify.parse`` and compared by ``math_verify.verify``, so
that 1/2, 0.5, 50% and ``\\frac{1}{2}`` are one number. A reply cut off at the token limit is worth 0: a digit
may be missing. Source: Math-Verify (github.com/huggingface/Math-Verify).

Its own time limits work by SIGALRM, which only a main thread can take; they are off here. An expression
that never ends is the scoring pool's to kill.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from rewards.reply import answer_part, stated_answer
from rewards.reward import Reward
from rewards.score import RewardSample, Score
from rewards.text.canonical import canonical_text


class Numeric(Reward):
    """1.0 where the stated expression equals the gold, else 0.0.

    ``decimals`` is where floats are rounded before they are compared.
    """

    name = "numeric"

    def __init__(self, decimals: int = 6) -> None:
        self.decimals = decimals

    def check(self, sample: RewardSample) -> str | None:
        """A gold that is no number or expression."""
        return None if _parse_gold(sample.gold) else f"gold {sample.gold!r} is no number or expression"

    def score(self, sample: RewardSample) -> Score:
        """0.0 or 1.0; error ``bad_gold`` where the gold cannot be parsed."""
        from math_verify import verify

        gold = _parse_gold(sample.gold)
        if not gold:
            return Score.failed("bad_gold", f"sample {sample.id}: {self.check(sample)}")
        stated = stated_answer(answer_part(sample.response))
        if sample.truncated:
            return Score.of(0.0)
        said = _parse(stated)
        same = verify(list(gold), said, float_rounding=self.decimals, timeout_seconds=None)
        return Score.of(float(bool(same)))


def _parse(text: str) -> list[Any]:
    from math_verify import parse

    # The missing time limit is intended, see above; the library warns of it once per process.
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    plain = canonical_text(text)
    forms = [plain] if "$" in plain else [f"${plain}$", plain] if "\\" in plain else [plain, f"${plain}$"]
    for form in forms:
        found: list[Any] = parse(form, parsing_timeout=None)
        # A string is what Math-Verify falls back to where it cannot parse; a lone one is no number.
        if any(not isinstance(item, str) for item in found):
            return found
    return []


@lru_cache(maxsize=65536)
def _parse_gold(gold: str) -> tuple[Any, ...]:
    return tuple(_parse(gold)) if gold.strip() else ()
