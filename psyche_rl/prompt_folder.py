"""Prompts, one jinja2 template each: what one says with its values, and its version.

Collaborators: a domain holds its templates as texts; :class:`PromptFolder` is for those in the package.
Invariants:
- A prompt depends on its values alone, so that the same record asks the same thing in every run.
- Templates can read their values and nothing else (jinja2's sandbox).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

# Prompts are plain text: escaping would turn quotation marks into entities.
ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


def rendered(source: str, **values: object) -> str:
    """A template's text with ``values`` filled in.

    Raises:
        jinja2.UndefinedError: a value is missing.
    """
    return _template(source).render(**values).strip()


def version_of(name: str, source: str) -> str:
    """``name@hash`` of a template's text: it lands in what came of the prompt, so that lineage can tell
    which wording asked for it."""
    return f"{name}@{hashlib.sha256(source.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class PromptFolder:
    """``<name>.j2`` in ``path``."""

    path: Path

    def render(self, name: str, **values: object) -> str:
        """The text of a prompt with ``values`` filled in.

        Raises:
            jinja2.UndefinedError: a value is missing.
        """
        return rendered(_source(self.path / f"{name}.j2"), **values)

    def version(self, name: str) -> str:
        """:func:`version_of` a prompt."""
        return version_of(name, _source(self.path / f"{name}.j2"))


@cache
def _source(file: Path) -> str:
    return file.read_text("utf-8")


@cache
def _template(source: str) -> Template:
    return ENVIRONMENT.from_string(source)
