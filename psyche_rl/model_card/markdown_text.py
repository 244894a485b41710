"""Any text as Markdown that shows it: no HTML, no link, no table cell or fence of its own making.

>>> shown("<b>*x*</b> | a_b")
'&lt;b&gt;\\\\*x\\\\*&lt;/b&gt; \\\\| a\\\\_b'
>>> fenced("a\\n```\\nb", "yaml").splitlines()[0]
'````yaml'
"""

from __future__ import annotations

import re

from psyche_rl.terminal.plain import plain

_MARKS = re.compile(r"([\\`*_\[\]|#~!$])")
_TICKS = re.compile(r"`+")


def shown(text: object) -> str:
    """Text of any origin on one line, every mark escaped."""
    line = plain(" ".join(str(text).split()))
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(r"\\\1", line)


def fenced(text: str, language: str = "") -> str:
    """A block of code whose fence is longer than any in the text."""
    longest = max((len(found) for found in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{plain(text.rstrip())}\n{fence}"
