"""The rules of extraction in their order.

1. Only text after the last closed think block counts; an unclosed one means no answer.
2. A reply that is one option's text, or says 以上都是, and nothing else, is just that.
3. An explicit statement beats a bare letter; the last one wins (``statements.py``).
4. Without one, a reply or its first or last lines made of option letters only (``bare.py``),
5. or a reply that equals option texts.

Hedges (A或B) are ambiguous; a letter that the options lack is out of range; neither is an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rewards.extraction.reading import Extraction, Reading, Rule
from rewards.text.canonical import LETTERS
from rewards.text.think_tags import answer_start

if TYPE_CHECKING:
    from rewards.extraction.findings import Findings
    from rewards.extraction.options import OptionTable
    from rewards.extraction.question import QuestionWording

HEAD, TAIL = 4_000, 16_000
"""Characters of a longer reply that are read: from its beginning, and from its end."""
LONGEST = HEAD + TAIL
_TURN_ENDS = re.compile(
    r"<[|｜](?:im_end|im_start|endoftext|eot_id|eom_id|end_of_text|end|user|observation|end▁of▁sentence)[|｜]>"
    r"|</s>|<eo[ads]>|<end_of_turn>|\[UNUSED_TOKEN_145\]"
)


def extract_answer(
    text: str, options: Sequence[str] | Mapping[str, str] | None = None, stem: str | None = None
) -> Extraction:
    """The option letters that a reply commits to.

    ``options`` are the option texts in the order of their letters, or a mapping from letters to texts; with
    none given every letter counts as existing. ``stem`` is the question's wording, or the whole prompt: it
    tells whether the wrong option is asked for. Whatever the text, it is read without an error.

    Raises:
        ValueError: the keys of ``options`` are not the letters from A on.
    """
    given = option_texts(options or ())
    start = answer_start(text)
    if start is None:
        return Extraction(None, None, "think_unclosed")
    from rewards.extraction.spelling import fold  # the rules' patterns take long to compile: not at import

    said = _turn(text[start:])
    gap = max(0, len(said) - LONGEST - 1)
    read = said if not gap else f"{said[:HEAD]}\n{said[-TAIL:]}"
    reply = fold(read)
    found = _read(reply.text, given, stem)
    if found.rule == "none" and (last := _bracketed(read, given)):
        found = _extraction(last, "statement")
    elif found.span is not None:
        found = found._replace(span=reply.original(*found.span))
    if found.span is None:
        return found
    return found._replace(span=(_place(found.span[0], gap) + start, _place(found.span[1], gap) + start))


def _place(at: int, gap: int) -> int:
    """Where a character of the text that was read stands in the reply."""
    return at + gap if at > HEAD and gap else at


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


def _turn(reply: str) -> str:
    """The reply up to where its turn ends, if a marker says so."""
    for end in _TURN_ENDS.finditer(reply):
        if reply[: end.start()].strip():
            return reply[: end.start()]
    return reply


def _read(reply: str, options: tuple[str, ...], stem: str | None) -> Extraction:
    from rewards.extraction.options import option_table
    from rewards.extraction.question import question, spoken_of
    from rewards.extraction.segments import parts

    table = option_table(options)
    asked = question(stem)
    if asked.polarity == "unknown":
        asked = spoken_of(reply)
    nothing = Extraction(None, None, "none")
    for part in parts(reply, table, asked):
        found = _read_part(reply[part.start : part.end], table, asked)
        if found.rule != "none":
            begin, end = found.span or (0, 0)
            return found._replace(span=(begin + part.start, end + part.start))
    return nothing


def _read_part(reply: str, table: OptionTable, asked: QuestionWording) -> Extraction:
    from rewards.extraction.statements import read_statements

    whole = len(reply) - len(reply.lstrip()), len(reply.rstrip())
    if letters := table.meaning(reply):
        return _extraction(Reading(letters, *whole), "option_text")
    found = read_statements(reply, table, asked)
    return found.conclude() or _unstated(reply, table, found)


def _unstated(reply: str, table: OptionTable, found: Findings) -> Extraction:
    """What a part without a statement or verdicts says by letters or texts alone."""
    from rewards.extraction.bare import bare_answer
    from rewards.extraction.leading import leading_letters
    from rewards.extraction.statements import announced_text

    if announced := announced_text(reply, table):
        return _extraction(announced, "statement")
    if bare := bare_answer(reply, table):
        return _extraction(bare, "letters")
    if letters := table.from_text(reply):
        whole = len(reply) - len(reply.lstrip()), len(reply.rstrip())
        return _extraction(Reading(letters, *whole), "option_text")
    if leading := leading_letters(reply, table, found.wrong):
        return _extraction(leading, "letters")
    return Extraction(None, None, "none")


def _bracketed(reply: str, options: tuple[str, ...]) -> Reading | None:
    from rewards.extraction.brackets import bracketed_letter
    from rewards.extraction.options import option_table

    return bracketed_letter(reply, option_table(options))


def _extraction(reading: Reading, rule: Rule) -> Extraction:
    span = reading.start, reading.end
    if reading.trouble:
        return Extraction(None, span, reading.trouble)
    return Extraction("".join(sorted(set(reading.letters))), span, rule)
