"""The lexicon of crisis cues, and the form of a text in which it is looked for.

Role: reads ``crisis_cues.yaml`` once; :func:`folded` spells a text as the lexicon does.
Collaborators: ``crisis`` finds cues, ``crisis_context`` says which of them stand.
Invariants:
- Pure; the lexicon is read from the package, nothing is fetched.
- A broken entry fails when the lexicon is read, and names itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import yaml

from data_pipeline.cleaning.chinese_script import to_simplified

CueKind = Literal[
    "passive_ideation",
    "active_ideation",
    "self_harm",
    "method",
    "threat_by_other",
    "harm_to_others",
    "violence",
    "sexual_violence",
    "psychosis_command",
]
KINDS: tuple[CueKind, ...] = get_args(CueKind)
_FILE = Path(__file__).with_name("crisis_cues.yaml")
_CLASS = re.compile(r"<([a-z]+)>")
_SIGNS = {"＊": r"[^，。！？；但\n,.!?;:]{0,6}", "＋": r"[^。！？；\n.!?;]{0,16}"}
_DROPPED = re.compile("['’‘`\u200b-\u200f\u2060\ufeff\u00ad]|(?<=[一-鿿])[*_|~]+(?=[一-鿿])")
_SPACED_OUT = re.compile(r"(?<=[一-鿿]) (?=[一-鿿] [一-鿿])|(?<=[一-鿿] [一-鿿]) (?=[一-鿿])")


@dataclass(frozen=True)
class Lexicon:
    """Patterns over folded text; the fields are the sections of the file."""

    cues: Mapping[CueKind, re.Pattern[str]]
    spellings: Sequence[tuple[re.Pattern[str], str]]
    other_sense: re.Pattern[str]
    subject: re.Pattern[str]
    helper: re.Pattern[str]
    past: re.Pattern[str]
    well_now: re.Pattern[str]
    long_ago: re.Pattern[str]
    present: re.Pattern[str]
    term: re.Pattern[str]
    wish: re.Pattern[str]
    jest: re.Pattern[str]
    harmless: Mapping[CueKind, re.Pattern[str]]
    negation: frozenset[str]
    bridge: frozenset[str]
    person: frozenset[str]


@lru_cache
def lexicon() -> Lexicon:
    """The built-in lexicon."""
    tree = yaml.safe_load(_FILE.read_text("utf-8"))
    words = tree["words"]
    return Lexicon(
        cues={kind: _pattern(tree["cues"][kind], words) for kind in KINDS},
        spellings=[(_pattern([spelled], words), to) for spelled, to in tree["spellings"].items()],
        other_sense=_pattern(tree["other_sense"], words),
        subject=_pattern(tree["subject"], words),
        helper=_pattern(tree["helper"], words),
        past=_pattern(tree["past"], words),
        well_now=_pattern(tree["well_now"], words),
        long_ago=_pattern(tree["long_ago"], words),
        present=_pattern(tree["present"], words),
        term=_pattern(tree["term"], words),
        wish=_pattern(tree["wish"], words),
        jest=_pattern(tree["jest"], words),
        harmless={kind: _pattern(entries, words) for kind, entries in tree["harmless"].items()},
        negation=frozenset(tree["negation"]),
        bridge=frozenset(tree["bridge"]),
        person=frozenset(tree["person"]),
    )


def folded(text: str) -> str:
    """The text as the lexicon spells it. Lengths may change."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _SPACED_OUT.sub("", _DROPPED.sub("", text))
    if not text.isascii():
        text = to_simplified(text)
    for words, to in lexicon().spellings:
        text = words.sub(to, text)
    return text


def _pattern(entries: Sequence[str], words: Mapping[str, str]) -> re.Pattern[str]:
    whole = "|".join(f"(?:{entry})" for entry in entries)
    while _CLASS.search(whole):  # a class may name others
        whole = _CLASS.sub(lambda found: f"(?:{words[found[1]]})", whole)
    for sign, meaning in _SIGNS.items():
        whole = whole.replace(sign, meaning)
    try:
        return re.compile(whole)
    except re.error as error:
        at = whole[max(0, (error.pos or 0) - 30) : (error.pos or 0) + 30]
        raise ValueError(f"{_FILE.name}: {error.msg} near {at!r}") from None
