"""A page's address with its token, handed to a browser by a file: everybody on a machine can read the process
list, and with it what a browser was started with. Jupyter does the same.

Invariant: only the owner can read the file, and it is gone when the server is.
"""

from __future__ import annotations

import html
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={0}">
<title>psyche-rl review</title>
<a href="{0}">review</a>
"""


@contextmanager
def redirect_file(url: str) -> Iterator[str]:
    """The ``file://`` address of a page that leads to ``url``."""
    with tempfile.TemporaryDirectory(prefix="psyche-rl-review-") as folder:  # of mode 700
        file = Path(folder, "open.html")
        file.touch(0o600)
        file.write_text(_PAGE.format(html.escape(url)), "utf-8")
        yield file.as_uri()
