"""Reading what users bring: texts, posts with replies, and exam questions, in many shapes.

Its names are imported when they are asked for: the process that parses documents needs none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_pipeline.ingest.exam_questions import ingest_questions
    from data_pipeline.ingest.passages import ingest_passages
    from data_pipeline.ingest.posts import ingest_posts

__all__ = ["ingest_passages", "ingest_posts", "ingest_questions"]
_HOMES = {
    "ingest_passages": "passages",
    "ingest_posts": "posts",
    "ingest_questions": "exam_questions",
}


def __getattr__(name: str) -> Any:
    """One of the names above."""
    if name not in _HOMES:
        raise AttributeError(f"{__name__} has no {name}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
