"""What is known of a question's options, prepared once and reused for every reply to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rewards.canonical import LETTERS, match_key
from rewards.extraction.aligned import aligned

_SUBJECT = (
    r"(?:本题|此题|应|故|以上|上述|所有|全部|前面|[两三四五六]|各|个|选项|选|各?项|说法|答案|内容|情况)*"
)
_ALL = re.compile(
    _SUBJECT + r"(?:[都均皆全]|全都|全部)+(?:是|对|正确|可以?|符合|属于|有|选|包括|成立)+(?:的|题意)?"
    r"|(?:选择?)?(?:全选|全部|以上全部|所有选项|以上所有)|alloftheabove|alloptions|all"
)
_NONE = re.compile(
    _SUBJECT + r"(?:[都均皆全]|全都|全部)+(?:不|非|错)(?:是|对|正确|符合|属于|选|成立|误)*(?:的|题意)?"
    r"|noneoftheabove|none"
)
_OPENINGS = frozenset("本此应故以上所全前两三四五六各选都均皆an")
_LETTER_RUN = re.compile(r"\s*[A-Za-z]+\s*")


@dataclass(frozen=True, slots=True)
class OptionTable:
    """``letters`` that exist; option texts by letter and by key; which options say all or none.

    Without options every letter exists, and nothing can be recognised by its text.
    """

    letters: str
    texts: dict[str, str]
    by_key: dict[str, str]
    all_of_above: str
    none_of_above: str
    openings: frozenset[str]
    """The characters that a phrase with a meaning may begin with."""
    reach: int
    """The most characters that all option texts, joined, may take."""

    def exists(self, run: str) -> bool:
        """Whether every letter of the run is an option."""
        return all(letter in self.letters for letter in run)

    def from_text(self, text: str) -> str:
        """The letters that a phrase means by its words: an option's text or 以上都是; "" for none."""
        key = match_key(text)
        if not key:
            return ""
        if key in self.by_key:
            return self.by_key[key]
        if _ALL.fullmatch(key):
            return self.all_of_above
        if _NONE.fullmatch(key):
            return self.none_of_above
        return ""


@lru_cache(maxsize=8192)
def option_table(options: tuple[str, ...]) -> OptionTable:
    """The table of a question's option texts (given without their letters)."""
    letters = LETTERS[: len(options)] or LETTERS
    keys = [match_key(text) for text in options]
    by_key = {key: letter for letter, key in zip(letters, keys, strict=False) if key and keys.count(key) == 1}
    saying_all = "".join(x for x, key in zip(letters, keys, strict=False) if _ALL.fullmatch(key))
    saying_none = "".join(x for x, key in zip(letters, keys, strict=False) if _NONE.fullmatch(key))
    # A text that is itself letters ("A和B" is none, "AB" is one) would swallow an answer's letters.
    texts = {
        letter: aligned(text).strip()
        for letter, text in zip(letters, options, strict=False)
        if match_key(text) and not _LETTER_RUN.fullmatch(text)
    }
    everything = letters if options else ""
    openings = _OPENINGS | frozenset(key[0] for key in keys if key)
    reach = sum(len(text) + 4 for text in options) + 16
    return OptionTable(letters, texts, by_key, saying_all[:1] or everything, saying_none[:1], openings, reach)
