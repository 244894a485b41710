"""The text layer of a PDF (pypdf). Scanned pages without one hold no text for us."""

from __future__ import annotations

import io
import logging
import re
from collections import Counter

from data_pipeline.ingest.document import Document, headings_of_plain_text

RUNNING_SHARE = 0.5  # of the pages; a first or last line on more of them is a running head or foot
FEWEST_PAGES = 4  # below that a repeat proves nothing
_DIGITS = re.compile(r"\d+")


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
        pages = [page.extract_text() or "" for page in reader.pages]
    except ValueError:
        raise
    except Exception as error:  # a broken file fails in many ways
        raise ValueError(f"not a readable PDF: {type(error).__name__}: {error}") from error
    text, parts = "", list[int]()
    for page in _without_running_lines(pages):
        text += "\n" if text else ""
        parts.append(len(text))
        text += page
    return Document(text, headings_of_plain_text(text), tuple(parts) or (0,))


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
