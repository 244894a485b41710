"""The prompts that a domain has, and what each is given: the contract between the code and a domain's folder.

Invariants:
- The key of a question is given to ``quality`` alone.
- A prompt may use what it is given and nothing else, and must use what it would be pointless without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Placeholders:
    """``must``: a template without one of these is refused. ``may``: it can do without these."""

    does: str
    must: tuple[str, ...]
    may: tuple[str, ...] = ()
    optional: bool = False
    """Whether a domain may be without it; what needs it says so."""


_ASKING = Placeholders(
    "asks for questions on a passage, as JSON",
    ("count", "kind_name", "passage"),
    ("kind", "title", "call", "calls"),
)
PROMPTS: Mapping[str, Placeholders] = {
    "questions": _ASKING,
    "questions_case": _ASKING,
    "questions_short": _ASKING,
    "instruction": Placeholders("the first words to whoever answers a question", (), ("kind_name",)),
    "answer": Placeholders("has a question answered with reasons", ("instruction", "question")),
    "rewrite": Placeholders("has an instruction improved", ("instruction", "question"), ("kind_name",)),
    "gate": Placeholders("compares two rationales, as JSON", ("question", "first", "second"), ("kind_name",)),
    "quality": Placeholders(
        "has a question reviewed, as JSON", ("issues", "question", "gold"), ("kind_name", "passage", "span")
    ),
    "empathy": Placeholders("has a plain reply rewritten", ("post", "reply")),
    "turns_generate": Placeholders("makes a conversation of post and reply", ("post", "reply"), ("pairs",)),
    "turns_evidence": Placeholders("checks it against them", ("dialogue",), ("post", "reply")),
    "turns_optimise": Placeholders("corrects it", ("dialogue", "problems"), ("post",)),
    "crisis": Placeholders(
        "has a conversation read for signs of a crisis, as JSON (clean.crisis_reader)",
        ("dialogue",),
        optional=True,
    ),
}
