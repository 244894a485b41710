"""What an empathetic reply must satisfy beside the plain reply that it was made from (section 3.1.3).

Pure functions over text. Advice is compared by character bigrams, since no parser here knows paraphrase.
A low threshold finds replies that dropped the advice altogether, and no more than that.
"""

from __future__ import annotations

import re
from functools import cache

from data_pipeline.domains.domain_words import ReplyWords
from data_pipeline.text.spans import canonical

_SENTENCE = re.compile(r"[^。！？!?\n]+")
_CLAUSE = re.compile(r"[^；;，,：:]+")


def advice_kept(plain: str, reply: str, words: ReplyWords) -> float:
    """Share in [0, 1] of the bigrams of the plain reply's advice that the reply holds; 1 without advice."""
    advice = [
        clause
        for sentence in _SENTENCE.findall(plain)
        if _any_of(words.advice, sentence)
        for clause in _CLAUSE.findall(sentence)
        if not _any_of(words.dismissal, clause)  # an empathetic reply is right to leave those out
    ]
    wanted = set[str]().union(*(_bigrams(clause, words.filler) for clause in advice))
    if not wanted:
        return 1.0
    return len(wanted & _bigrams(reply, words.filler)) / len(wanted)


def invented_term(post: str, plain: str, reply: str, words: ReplyWords) -> str | None:
    """The first term, a diagnosis say, that the reply brings in and neither post nor plain reply names."""
    if not words.never_added:
        return None
    known = canonical(post + "\n" + plain)
    found = (match[0] for match in _pattern(words.never_added).finditer(reply))
    return next((term for term in found if canonical(term) not in known), None)


def reply_fault(
    post: str, plain: str, reply: str, advice_overlap: float, chars: tuple[int, int], words: ReplyWords
) -> tuple[str, str] | None:
    """The filter that turns a reply down, and why; None if it may stay."""
    fewest, most = chars
    if canonical(reply) == canonical(plain):
        return "unchanged", "the reply is the plain one"
    if not fewest <= len(reply) <= most:
        return "length", f"{len(reply)} characters; {fewest} to {most} may stay"
    if (term := invented_term(post, plain, reply, words)) is not None:
        return "diagnosis", f"it names {term}, which neither post nor plain reply does"
    if (kept := advice_kept(plain, reply, words)) < advice_overlap:
        return "advice", f"it keeps {kept:.2f} of the plain reply's advice; {advice_overlap:g} is the least"
    return None


def _any_of(patterns: tuple[str, ...], text: str) -> bool:
    return bool(patterns) and _pattern(patterns).search(text) is not None


@cache
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


def _bigrams(text: str, filler: str) -> set[str]:
    letters = "".join(c for c in canonical(text) if c.isalnum() and c not in filler)
    return {letters[i : i + 2] for i in range(len(letters) - 1)}
