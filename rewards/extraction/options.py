"""What is known of a question's options, prepared once and reused for every reply to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from rewards.extraction.spelling import fold
from rewards.text.canonical import LETTERS

_SUBJECT = (
    r"(?!答案|故?应?选(?!项))(?:本题|此题|应该?|故|所以|因此|综上(?:所述)?|以上|上述|所有|全部|前面|这"
    r"|[两三四五六]|各|个|选|项"
    r"|说法|答案|内容|情况|描述|表述|者){0,12}"
)
_ALL = re.compile(
    _SUBJECT + r"(?:[都均皆全]|全部){1,5}(?:是|对|正确|可以?|符合|属于|有|选|包括|成立|应该?|入选|当选"
    r"|要){1,5}(?:的|题意)?"
    r"|(?:本题|故|所以|因此|应该?){0,5}(?:选择?)?(?:全选|全部(?:选择|选项|选)?|以上全部|所有选项|以上所有)"
    r"|all(?:of)?(?:the|these)?(?:above|listed|given|four)?(?:options|choices|statements|above|them|four)?"
    r"(?:are(?:correct|right|true))?"
)
_NONE = re.compile(
    _SUBJECT + r"(?:[都均皆全]|全部){1,5}(?:不|非|错)(?:是|对|正确|符合|属于|选|成立|误){0,5}(?:的|题意)?"
    r"|noneoftheabove|none|noneofthem"
)
LONGEST_PHRASE = 40
"""Characters of 以上都是 and its like, at most."""
_OPENINGS = frozenset("本此应故所以因综上全前这两三四五六各选都均皆an")
_NOT_WORD = re.compile(r"[\W_]+")
_JOINT = re.compile("以及|和|与|及|and")
_OPTION_WORD = ("option", "选项", "")
_LIKE_A_CUE = re.compile("[选是为应有包就只答正我]")
_NUMERAL = re.compile(r"(?<![A-Za-z-])(?:I{2,3}|IV)(?![A-Za-z-])")
_OWN_LABEL = re.compile(r"^ ?([A-Z]) ?[.、:] ?")


def phrase_key(folded: str) -> str:
    """What two spellings of one phrase share: its letters, digits and ideographs, case folded."""
    return _NOT_WORD.sub("", folded).casefold()


@dataclass(frozen=True, slots=True)
class OptionTable:
    """``letters`` that exist; option texts by letter and by key; which options say all or none.

    Without options every letter exists, and nothing can be recognised by its text.
    """

    letters: str
    texts: dict[str, str]
    by_key: dict[str, str]
    """Without the texts that are letters of options themselves: ``AB`` always means A and B."""
    all_of_above: str
    none_of_above: str
    openings: frozenset[str]
    """The characters that a phrase with a meaning may begin with."""
    reach: int
    """The most characters that all option texts, joined, may take."""
    like_a_cue: tuple[tuple[str, str], ...]
    """Letters and texts that begin as a cue may go on, so that a cue may swallow their beginning."""
    like_a_letter: bool
    """Whether a text begins with a capital."""
    closed: bool
    """Whether the options are known, so that "the others" can be told."""
    numerals: bool = False
    """Whether the texts name statements by Roman numerals, which then are no letters of options."""

    def exists(self, run: str) -> bool:
        """Whether every letter of the run is an option."""
        return all(letter in self.letters for letter in run)

    def meaning(self, phrase: str) -> str:
        """The letters that a folded phrase means by its words: one option's text or 以上都是; "" for none."""
        key = phrase_key(phrase) if len(phrase) <= self.reach else ""
        if key in self.by_key:
            return self.by_key[key]
        if len(key) <= LONGEST_PHRASE:
            if _ALL.fullmatch(key):
                return self.all_of_above
            if _NONE.fullmatch(key):
                return self.none_of_above
        return ""

    def lower_case(self, said: str) -> str:
        """The letters of a list in lower case; "" where they lack an option, or are a word."""
        run = "".join(re.findall("[a-z]", said.replace("and", ""))).upper()
        return run if self.exists(run) and list(run) == sorted(set(run)) else ""

    def from_text(self, phrase: str) -> str:
        """As ``meaning``, and several option texts in a row."""
        return self.meaning(phrase) or self._sequence(phrase_key(phrase) if len(phrase) <= self.reach else "")

    def _sequence(self, key: str, at: int = 0, left: int = 26) -> str:
        """Several option texts in a row, each with or without its letter: ``内隐记忆（A）和感觉记忆``."""
        for letter, end in self._one(key, at):
            joint = _JOINT.match(key, end)
            after = joint.end() if joint else end
            if after == len(key):
                return letter
            if left and (rest := self._sequence(key, after, left - 1)):
                return letter + rest
        return ""

    def _one(self, key: str, at: int) -> Iterator[tuple[str, int]]:
        """The option texts that may stand at a place, and where each ends; with its letter first."""
        for text, letter in self.by_key.items():
            label = letter.lower()
            if key.startswith(text, at) or key.startswith(label + text, at):
                forms = (*(text + word + label for word in _OPTION_WORD), text, label + text)
                yield from ((letter, at + len(form)) for form in forms if key.startswith(form, at))


@lru_cache(maxsize=8192)
def option_table(options: tuple[str, ...]) -> OptionTable:
    """The table of a question's option texts; a label that each carries (``A. …``) is not its text."""
    texts = [fold(option).text.strip() for option in options]
    while texts and not texts[-1] and any(texts):
        texts.pop()  # exam files pad with empty options
    labels = [_OWN_LABEL.match(text) for text in texts]
    if texts and all(m is not None and m[1] == x for m, x in zip(labels, LETTERS, strict=False)):
        texts = [_OWN_LABEL.sub("", text) for text in texts]
    letters = LETTERS[: len(texts)] or LETTERS
    keys = [phrase_key(text) for text in texts]
    named = {
        letter: (text, key)
        for letter, text, key in zip(letters, texts, keys, strict=False)
        if set(key.upper()) - set(letters)
    }
    by_key = {key: letter for letter, (_, key) in named.items() if keys.count(key) == 1}
    saying_all = "".join(x for x, (_, key) in named.items() if _ALL.fullmatch(key))
    saying_none = "".join(x for x, (_, key) in named.items() if _NONE.fullmatch(key))
    return OptionTable(
        letters=letters,
        texts={letter: text for letter, (text, _) in named.items()},
        by_key=dict(sorted(by_key.items(), key=lambda item: -len(item[0]))),
        all_of_above=saying_all[:1] or (letters if texts else ""),
        none_of_above=saying_none[:1],
        openings=_OPENINGS | frozenset(key[0] for key in by_key),
        reach=sum(len(text) + 6 for text in texts) + 16,
        like_a_cue=tuple((x, text) for x, (text, _) in named.items() if _LIKE_A_CUE.match(text)),
        like_a_letter=any("A" <= text[:1] <= "Z" for text, _ in named.values()),
        closed=bool(texts),
        numerals="I" not in letters and any(_NUMERAL.search(text) for text, _ in named.values()),
    )
