"""The rules of extraction in their order.

1. Only text after the last closed think block counts; an unclosed one means no answer.
2. A reply that is one option's text, or says 以上都是, and nothing else, is just that.
3. An explicit statement beats a bare letter; the last one wins (``statements.py``).
4. Without one, a reply or its first or last lines made of option letters only (``bare.py``),
5. or a reply that equals option texts.

Hedges (A或B) are ambiguous; a letter that the options lack is out of range; neither is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rewards.extraction.reading import Extraction, Reading, Rule
from rewards.text.canonical import LETTERS
from rewards.text.think_tags import answer_start


def extract_answer(text: str, options: Sequence[str] | Mapping[str, str]) -> Extraction:
    """The option letters that a reply commits to.

    ``options`` are the option texts in the order of their letters, or a mapping from letters to texts; with
    none given every letter counts as existing. Whatever the text, it is read without an error.

    Raises:
        ValueError: the keys of ``options`` are not the letters from A on.
    """
    given = option_texts(options)
    start = answer_start(text)
    if start is None:
        return Extraction(None, None, "think_unclosed")
    from rewards.extraction.spelling import fold  # the rules' patterns take long to compile: not at import

    reply = fold(text[start:])
    found = _read(reply.text, given)
    if found.span is None:
        return found
    begin, end = reply.original(*found.span)
    return found._replace(span=(begin + start, end + start))


def option_texts(options: Sequence[str] | Mapping[str, str]) -> tuple[str, ...]:
    """The texts of options in the order of their letters.

    Raises:
        ValueError: the keys of a mapping are not the letters from A on, each once.
    """
    if not isinstance(options, Mapping):
        return tuple(options)
    by_letter = {key.strip().upper(): text for key, text in options.items()}
    letters = LETTERS[: len(options)]
    if sorted(by_letter) != list(letters):
        raise ValueError(f"the keys of options are {', '.join(options)}, not the letters from A on")
    return tuple(by_letter[letter] for letter in letters)


def _read(reply: str, options: tuple[str, ...]) -> Extraction:
    from rewards.extraction.bare import bare_answer
    from rewards.extraction.options import option_table
    from rewards.extraction.statements import announced_text, read_statements

    table = option_table(options)
    whole = len(reply) - len(reply.lstrip()), len(reply.rstrip())
    if letters := table.meaning(reply):
        return _extraction(Reading(letters, *whole), "option_text")
    if stated := read_statements(reply, table).conclude():
        return stated
    if announced := announced_text(reply, table):
        return _extraction(announced, "statement")
    if bare := bare_answer(reply, table):
        return _extraction(bare, "letters")
    if letters := table.from_text(reply):
        return _extraction(Reading(letters, *whole), "option_text")
    return Extraction(None, None, "none")


def _extraction(reading: Reading, rule: Rule) -> Extraction:
    span = reading.start, reading.end
    if reading.trouble:
        return Extraction(None, span, reading.trouble)
    return Extraction("".join(sorted(set(reading.letters))), span, rule)
