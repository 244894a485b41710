"""The text layer of a PDF (pypdf): columns in reading order, words joined that a line end parts.

Invariant: pages without a text layer are counted and named.
"""

from __future__ import annotations

import io
import logging
import re
from collections import Counter
from typing import Any

from data_pipeline.ingest.document import Document, MissingPart, headings_of_plain_text
from data_pipeline.ingest.pdf_columns import in_reading_order

RUNNING_SHARE = 0.5  # of the pages; a first or last line on more of them is a running head or foot
FEWEST_PAGES = 4  # below that a repeat proves nothing
_DIGITS = re.compile(r"\d+")
_PARTED = re.compile(r"\b([A-Za-z]*[a-z])[-\u2010\u00ad]\n([a-z]+)")
_PARTED_END, _PARTED_BEGIN = re.compile(r"[a-z][-\u2010\u00ad]\Z"), re.compile(r"[a-z]{2}")
_HYPHENED = re.compile(r"\b[A-Za-z]+-[a-z]+")
FEWEST_LINES = 3  # of a page that may have columns


def pdf_document(content: bytes) -> Document:
    """The document; parts are pages. Running heads and feet (which differ in digits at most) are left out.

    Raises:
        ValueError: the file is broken or encrypted.
    """
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it reports each repair of a bad cross-reference
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ValueError("the file is encrypted")
        pages = [_text(page) for page in reader.pages]
    except ValueError:
        raise
    except Exception as error:  # a broken file fails in many ways
        raise ValueError(f"not a readable PDF: {type(error).__name__}: {error}") from error
    text, parts = "", list[int]()
    for page in _without_running_lines(pages):
        if _PARTED_END.search(text) and _PARTED_BEGIN.match(page):
            text = text[:-1]  # a word that goes on on the next page
        elif text:
            text += "\n"
        parts.append(len(text))
        text += page
    text, parts = _joined(text, parts)
    missing = _pages_without_text(pages)
    return Document(text, headings_of_plain_text(text), tuple(parts) or (0,), missing=missing)


def _text(page: Any) -> str:
    plain: str = page.extract_text() or ""
    if plain.count("\n") + 1 < FEWEST_LINES:
        return plain
    try:
        picture = page.extract_text(extraction_mode="layout")
    except Exception:  # what the plain way reads is still good
        return plain
    return in_reading_order(picture) or plain


def _joined(text: str, parts: list[int]) -> tuple[str, list[int]]:
    """The text with words joined that were parted at line ends, and where the parts now begin. A hyphen stays
    where the text has the word with it elsewhere."""
    with_hyphen = set(_HYPHENED.findall(text))
    kept: list[str] = []
    at = 0
    moved = list(parts)
    for found in _PARTED.finditer(text):
        hyphen = "-" if f"{found[1]}-{found[2]}" in with_hyphen else ""
        kept += [text[at : found.end(1)], hyphen]
        cut = found.start(2) - found.end(1) - len(hyphen)
        moved = [m - cut if part >= found.start(2) else m for part, m in zip(parts, moved, strict=True)]
        at = found.start(2)
    return "".join([*kept, text[at:]]), moved


def _pages_without_text(pages: list[str]) -> tuple[MissingPart, ...]:
    empty = [number for number, page in enumerate(pages, 1) if not page.strip()]
    if not empty:
        return ()
    runs: list[list[int]] = []
    for number in empty:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    named = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    why = f"{len(empty)} of {len(pages)} pages have no text layer: {named}; run text recognition on them"
    return (MissingPart(empty[0], why),)


def _without_running_lines(pages: list[str]) -> list[str]:
    """Pages without the first and last lines that most of them share."""
    lines = [[line.strip() for line in page.splitlines() if line.strip()] for page in pages]
    if len(pages) < FEWEST_PAGES:
        return ["\n".join(page) for page in lines]
    edges = Counter(_masked(page[i]) for page in lines if page for i in {0, len(page) - 1})
    running = {line for line, count in edges.items() if count > RUNNING_SHARE * len(pages)}
    kept = []
    for page in lines:
        while page and _masked(page[0]) in running:
            page = page[1:]  # noqa: PLW2901
        while page and _masked(page[-1]) in running:
            page = page[:-1]  # noqa: PLW2901
        kept.append("\n".join(page))
    return kept


def _masked(line: str) -> str:
    return _DIGITS.sub("0", line)
