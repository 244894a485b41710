"""The rules that change a text, in their order, and how often each did.

Role: one list of small pure functions, each with a name that it is counted under.
Invariants: :func:`cleaned` is idempotent: the rules run until none changes the text any more, since what
one takes out can bring together what another looks for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from data_pipeline.cleaning import adverts, chinese_script, pii
from data_pipeline.text import folding, punctuation, redundancy, symbols
from psyche_rl.config.cleaning import CleanConfig

Rule = Callable[[str], str]
MOST_PASSES = 20  # by then a text has long come to rest
TEXT_RULES: tuple[tuple[str, Rule], ...] = (
    ("nfkc", folding.nfkc),
    ("look_alikes", folding.look_alikes),
    ("invisible", folding.invisible),
    ("markup", symbols.markup),
    ("emoji", symbols.emoji),
    ("boilerplate", redundancy.boilerplate),
    ("adverts", adverts.adverts),
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


def cleaned(text: str, clean: CleanConfig) -> tuple[str, Counter[str]]:
    """A text by all rules of the config, and rule -> 1 if it changed the text; ``pii.<kind>`` -> hits."""
    counts: Counter[str] = Counter()
    for _ in range(MOST_PASSES):
        before = text
        for name, rule in _rules(clean):
            after = rule(text)
            if after != text:
                counts[name] = 1
                text = after
            if name == "markup" and clean.redact:
                text, hits = pii.redact(text, clean.redact)
                counts.update({f"pii.{kind}": n for kind, n in hits.items()})
        if text == before:
            break
    return text, counts


def clean_text(text: str) -> str:
    """A text by the paper's rules alone, nothing redacted or converted; may come out empty."""
    return cleaned(text, _PAPER)[0]


@lru_cache
def _rules(clean: CleanConfig) -> tuple[tuple[str, Rule], ...]:
    if clean.script == "off":
        return TEXT_RULES
    converted = (f"script.{clean.script}", _SCRIPTS[clean.script])
    return (*TEXT_RULES[:3], converted, *TEXT_RULES[3:])


_PAPER = CleanConfig(redact=())
