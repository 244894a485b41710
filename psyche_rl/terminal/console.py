"""Tables and other pictures on a terminal, made of text that cannot steer it.

Invariants:
- No text is read as rich's markup, so that none makes a link or a colour; styles are given as such.
- Whatever is drawn passes ``plain`` at the latest when it is rendered; only rich's own segments steer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from psyche_rl.terminal.plain import plain


class PlainConsole(Console):
    """Rich's console for text of any origin; keywords are those of ``rich.console.Console``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, **options})

    def render_str(self, text: str, **options: Any) -> Text:
        """As rich does it, before widths are measured."""
        return super().render_str(plain(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As rich does it; what came as ``Text`` is made plain here."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(plain(segment.text), segment.style)
