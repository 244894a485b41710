"""A folder of prompts, one jinja2 file each, by name and version.

Invariant: a prompt depends on its values alone, so that the same record asks the same thing in every run.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template


@dataclass(frozen=True)
class PromptFolder:
    """``<name>.j2`` in ``path``."""

    path: Path

    def render(self, name: str, **values: object) -> str:
        """The text of a prompt with ``values`` filled in.

        Raises:
            jinja2.UndefinedError: a value is missing.
        """
        return _template(self.path, name).render(**values).strip()

    def version(self, name: str) -> str:
        """``name@hash`` of the prompt's text: it lands in what came of the prompt, so that lineage can tell
        which wording asked for it."""
        return _version(self.path / f"{name}.j2")


@cache
def _version(file: Path) -> str:
    return f"{file.stem}@{hashlib.sha256(file.read_text('utf-8').encode()).hexdigest()[:12]}"


@cache
def _template(folder: Path, name: str) -> Template:
    # Prompts are plain text: escaping would turn quotation marks into entities.
    environment = Environment(loader=FileSystemLoader(folder), undefined=StrictUndefined, autoescape=False)
    return environment.get_template(f"{name}.j2")
