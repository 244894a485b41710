"""Penalty for letters of another script: minus their share of the letters in the answer part.

0.0 for a reply all in the target script, -1.0 for one without a letter of it, or without any letter. Option
letters and acronyms are letters too: weigh it lightly, or use it for prose. Source: the language-consistency
reward of DeepSeek-R1 (arXiv 2501.12948, section 2.3.2), by letters instead of words.

    >>> from rewards import LanguageMix, RewardSample
    >>> def penalty(response):
    ...     return LanguageMix().score(RewardSample(id="1", response=response, gold="", kind="case")).value
    >>> penalty("<think>well</think>我理解你"), penalty("我理解you"), penalty("……")
    (0.0, -0.5, -1.0)
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Literal

from rewards.reply import answer_part
from rewards.reward import Reward
from rewards.score import RewardSample, Score
from rewards.text.canonical import canonical_text

Script = Literal["han", "latin"]
_NAMES: dict[Script, tuple[str, ...]] = {
    "han": ("CJK UNIFIED", "CJK COMPATIBILITY", "IDEOGRAPHIC"),
    "latin": ("LATIN", "MODIFIER LETTER"),
}
"""How the Unicode names of a script's letters begin."""


class LanguageMix(Reward):
    """``-(letters outside the script / letters)`` of the answer part."""

    name = "language_mix"

    def __init__(self, script: Script = "han") -> None:
        self.script: Script = script

    def score(self, sample: RewardSample) -> Score:
        """-1.0 to 0.0; never an error."""
        letters = [c for c in canonical_text(answer_part(sample.response)) if c.isalpha()]
        foreign = sum(not _belongs(letter, self.script) for letter in letters)
        if not letters:
            return Score.of(-1.0)
        return Score.of(-foreign / len(letters) if foreign else 0.0)


@lru_cache(maxsize=65536)
def _belongs(letter: str, script: Script) -> bool:
    return unicodedata.name(letter, "").startswith(_NAMES[script])
