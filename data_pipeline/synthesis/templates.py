"""The prompts put to the teacher: one jinja2 file each in ``prompts/``.

Invariant: a prompt depends on its values alone, so that the same record asks the same thing in every run.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import ChatRequest

_FOLDER = Path(__file__).parent / "prompts"


def render(name: str, **values: object) -> str:
    """The text of ``prompts/<name>.j2`` with ``values`` filled in.

    Raises:
        jinja2.UndefinedError: a value is missing.
    """
    return _template(name).render(**values).strip()


def request(teacher: TeacherConfig, prompt: str, sample: int) -> ChatRequest:
    """One user message to the teacher."""
    return ChatRequest(
        model=teacher.model,
        messages=(("user", prompt),),
        temperature=teacher.temperature,
        max_tokens=teacher.max_tokens,
        sample=sample,
    )


@cache
def version(name: str) -> str:
    """``name@hash`` of a template's text: it lands in what came of the prompt, so that lineage can tell
    which wording asked for it."""
    source = (_FOLDER / f"{name}.j2").read_text("utf-8")
    return f"{name}@{hashlib.sha256(source.encode()).hexdigest()[:12]}"


@cache
def _template(name: str) -> Template:
    # Prompts are plain text: escaping would turn quotation marks into entities.
    environment = Environment(loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, autoescape=False)
    return environment.get_template(f"{name}.j2")
