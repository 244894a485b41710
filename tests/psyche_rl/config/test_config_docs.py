"""docs/config.md names every key that a user may set."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from psyche_rl.config import RunConfig

PAGE = (Path(__file__).parents[3] / "docs" / "config.md").read_text("utf-8")
NAMED = {key for cell in re.findall(r"^\| (`[^|]+) \|", PAGE, re.M) for key in re.findall(r"`([^`]+)`", cell)}


def keys(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        inner = [k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)]
        is_list = getattr(field.annotation, "__origin__", None) in (tuple, dict)
        if inner and not is_list:
            yield from keys(inner[0], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


@pytest.mark.parametrize("key", sorted(keys(RunConfig)))
def test_every_key_stands_on_the_page(key):
    section = key.rpartition(".")[0]
    assert key in NAMED or f"{section}.*" in NAMED
