"""The prompts put to the teacher: one jinja2 file each in ``prompts/``.

Invariant: a prompt depends on its values alone, so that the same record asks the same thing in every run.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import ChatRequest

KIND_NAMES = {"single": "单选题", "multiple": "多选题", "case": "案例选择题"}


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
def _template(name: str) -> Template:
    folder = Path(__file__).parent / "prompts"
    # Prompts are plain text: escaping would turn quotation marks into entities.
    environment = Environment(loader=FileSystemLoader(folder), undefined=StrictUndefined, autoescape=False)
    return environment.get_template(f"{name}.j2")
