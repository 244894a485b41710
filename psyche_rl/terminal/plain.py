"""Text that a terminal shows and does not obey.

Role: every command, and every line of progress, prints by :func:`echo`; tables go through ``console``.
Invariants:
- What steers a terminal (escape sequences such as ANSI colours, OSC 8 links and OSC 52 clipboards, carriage
  returns) or turns the order of what is read (bidirectional controls) is shown as ``\\uXXXX``.
- A line of JSON stays JSON with the same values, since such characters stand only inside its strings.
"""

from __future__ import annotations

import re
import sys
from typing import TextIO

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for tab and newline, DEL, C1 (CSI and OSC in one character)
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional marks, embeddings, overrides, isolates
    "\u2028\u2029\ufeff\ufff9-\ufffb"  # other line ends, byte-order mark, annotations
    "\ud800-\udfff\U000e0000-\U000e007f]"  # half characters, and tags that nothing shows
)


def plain(text: str) -> str:
    """``text`` with what steers a terminal shown as an escape."""
    return _STEERING.sub(_escaped, text)


def echo(text: object = "", *, err: bool = False, file: TextIO | None = None) -> None:
    """A line on stdout, on stderr (``err``) or in ``file``, at once.

    Raises:
        OSError: whoever reads it is gone.
    """
    stream = file or (sys.stderr if err else sys.stdout)
    line = f"{plain(str(text))}\n"
    try:
        stream.write(line)
    except UnicodeEncodeError:
        stream.write(line.encode(stream.encoding, "backslashreplace").decode(stream.encoding))
    stream.flush()


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
