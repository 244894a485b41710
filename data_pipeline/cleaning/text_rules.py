"""The rules that change a text, in their order, how often each did, and what was taken out as a whole.

Role: one list of small pure functions, each with a name that it is counted under.
Invariants: :func:`cleaned` is idempotent: the rules run until none changes the text any more, since what
one takes out can bring together what another looks for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from data_pipeline.cleaning import adverts, chinese_script, pii
from data_pipeline.text import folding, punctuation, redundancy, symbols
from psyche_rl.config.cleaning import CleanConfig

Rule = Callable[[str], str | tuple[str, list[str]]]
"""The text as it is after the rule; or that and the sentences or lines that went."""
MOST_PASSES = 20  # by then a text has long come to rest
TEXT_RULES: tuple[tuple[str, Rule], ...] = (
    ("nfkc", folding.nfkc),
    ("look_alikes", folding.look_alikes),
    ("emoji", symbols.emoji),  # before invisible: some are several characters with a joiner in between
    ("invisible", folding.invisible),
    ("markup", symbols.markup),
    ("boilerplate", redundancy.without_boilerplate),
    ("adverts", adverts.without_adverts),
    ("links", adverts.links),
    ("repeated_lines", redundancy.repeated_lines),
    ("repeated_sentences", redundancy.repeated_sentences),
    ("spacing", punctuation.spacing),
    ("punctuation", punctuation.punctuation),
)
_SCRIPTS: dict[str, Rule] = {
    "to_simplified": chinese_script.to_simplified,
    "to_traditional": chinese_script.to_traditional,
}


@dataclass
class Cleaned:
    """A text after the rules; rule -> 1 if it changed the text, ``pii.<kind>`` -> hits; and (rule, sentence
    or line) of all that went as a whole."""

    text: str
    counts: Counter[str] = field(default_factory=Counter)
    taken_out: list[tuple[str, str]] = field(default_factory=list)


def cleaned(text: str, clean: CleanConfig) -> Cleaned:
    """A text by all rules of the config."""
    now = Cleaned(text)
    for _ in range(MOST_PASSES):
        before = now.text
        for name, rule in _rules(clean):
            _apply(name, rule, now)
            if name == "markup" and clean.redact:
                now.text, hits = pii.redact(now.text, clean.redact)
                now.counts.update({f"pii.{kind}": n for kind, n in hits.items()})
        if now.text == before:
            break
    return now


def clean_text(text: str) -> str:
    """A text by the paper's rules alone, nothing redacted or converted; may come out empty."""
    return cleaned(text, _PAPER).text


def _apply(name: str, rule: Rule, now: Cleaned) -> None:
    after = rule(now.text)
    gone: list[str] = []
    if isinstance(after, tuple):
        after, gone = after
    if after != now.text:
        now.counts[name] = 1
        now.text = after
    now.taken_out += [(name, part.strip()) for part in gone]


@lru_cache
def _rules(clean: CleanConfig) -> tuple[tuple[str, Rule], ...]:
    if clean.script == "off":
        return TEXT_RULES
    converted = (f"script.{clean.script}", _SCRIPTS[clean.script])
    return (*TEXT_RULES[:4], converted, *TEXT_RULES[4:])


_PAPER = CleanConfig(redact=())
