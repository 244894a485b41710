"""Where extraction begins: the options put in order, the think block left out, a long reply cut.

The rules themselves: ``reply_rules.py``. Invariant: time is in proportion to the text, and no more than
``LONGEST`` characters of it are read, so that a reply can be read anywhere without a deadline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rewards.extraction.reading import Extraction
from rewards.text.canonical import LETTERS
from rewards.text.think_tags import answer_start

HEAD, TAIL = 4_000, 16_000
"""Characters of a longer reply that are read: from its beginning, and from its end."""
LONGEST = HEAD + TAIL


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
    from rewards.extraction.reply_rules import read_answer  # its patterns take long to compile: not at import

    said = text[start:]
    gap = max(0, len(said) - LONGEST - 1)
    found = read_answer(f"{said[:HEAD]}\n{said[-TAIL:]}" if gap else said, given, stem)
    if found.span is None or not (gap or start):
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
