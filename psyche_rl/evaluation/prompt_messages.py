"""The messages of a stored prompt, for pages and logs that show them."""

from __future__ import annotations

import json


def messages_of(prompt: str) -> list[dict[str, str]]:
    """``[{"role", "content"}, …]`` of a row's prompt; a text that is no such JSON is one turn of the user."""
    try:
        return [{"role": str(m["role"]), "content": str(m["content"])} for m in json.loads(prompt)]
    except (ValueError, TypeError, KeyError):
        return [{"role": "user", "content": prompt}]
