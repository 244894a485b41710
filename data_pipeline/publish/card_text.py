"""Names, sources and licences as text of a Markdown page: whatever they hold, they are shown and do nothing.

Role: ``card`` has every value of its page pass here (jinja's ``finalize``).
Invariants:
- No HTML, link, image, code span, table cell or line of the page ends or begins within a value.
- What is safe by itself (:class:`markupsafe.Markup`) and numbers stay as they are.
"""

from __future__ import annotations

import html
import re
from typing import Any

from markupsafe import Markup

from psyche_rl.terminal.plain import plain

LONGEST = 300
"""Characters of a value that are shown."""
_STEERING = re.compile(r"[\\`*~\[\]|]|(?<![^\W_])_|_(?![^\W_])")  # an underscore within a word is one


def card_text(value: Any) -> Any:
    """A value of the page."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return Markup(_STEERING.sub(r"\\\g<0>", html.escape(_one_line(value), quote=False)))


def code(value: str) -> Markup:
    """A value as a span of code."""
    shown = _one_line(value).replace("`", "'").replace("|", "\\|")
    return Markup("`{}`").format(Markup(shown or "–"))


def fenced(text: str, language: str) -> Markup:
    """A text as a block of code."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markup(f"{fence}{language}\n{plain(text.rstrip())}\n{fence}")


def _one_line(text: str) -> str:
    shown = plain(" ".join(text.split()))
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"
