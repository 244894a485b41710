"""Headings of Markdown by a CommonMark parser, which knows a comment in a code block from a heading."""

from __future__ import annotations

from itertools import pairwise

from data_pipeline.ingest.chunks import Heading


def markdown_headings(text: str) -> tuple[Heading, ...]:
    """All headings, ATX and setext, at the offsets of their lines."""
    from markdown_it import MarkdownIt

    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    headings = []
    for token, inside in pairwise(MarkdownIt("commonmark").parse(text)):
        if token.type == "heading_open" and token.map:
            start, end = starts[token.map[0]], starts[token.map[1]] - 1
            words = "".join(child.content for child in inside.children or ())
            headings.append(Heading(start, min(end, len(text)), words.strip()))
    return tuple(headings)
