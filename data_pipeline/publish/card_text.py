"""Names, sources and licences as text of a Markdown page: whatever they hold, they are shown and do nothing.

Role: ``card`` has every value of its page pass here (jinja's ``finalize``).
Collaborator: ``psyche_rl.model_card.markdown_text``, which escapes.
Invariants:
- No HTML, link, image, code span, table cell or line of the page ends or begins within a value.
- What is safe by itself (:class:`markupsafe.Markup`) and numbers stay as they are.
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from psyche_rl.model_card.markdown_text import fenced, shown
from psyche_rl.terminal.plain import plain

LONGEST = 300
"""Characters of a value that are shown."""


def card_text(value: Any) -> Any:
    """A value of the page."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return Markup(shown(_cut(value)))


def code(value: str) -> Markup:
    """A value as a span of code."""
    text = plain(_cut(value)).replace("`", "'").replace("|", "\\|")
    return Markup("`{}`").format(Markup(text or "–"))


def code_block(text: str, language: str) -> Markup:
    """A text as a block of code."""
    return Markup(fenced(text, language))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
