"""What comes from outside as what every file, database and server takes: no half characters anywhere.

>>> storable({"text": "好\\ud83d", "n": [1, "\\ud83d\\ude00"]}) == {"text": "好", "n": [1, "😀"]}
True
"""

from __future__ import annotations

from typing import Any

from rewards.text.unicode import whole_characters


def storable(value: Any) -> Any:
    """A value as JSON and YAML know them, with whole characters only, in keys too."""
    if isinstance(value, str):
        return whole_characters(value)
    if isinstance(value, dict):
        return {storable(key): storable(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [storable(held) for held in value]
    return value
