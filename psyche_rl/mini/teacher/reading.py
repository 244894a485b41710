"""How the scripted teacher reads a prompt: the task, the texts between its brackets, the question.

The marks below are the words that our prompt templates use (``data_pipeline/prompts``); a test renders
every template and sees that it is read here. The templates know nothing of this module.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Task = Literal["questions", "answer", "rewrite", "empathy", "unknown"]
Kind = Literal["single", "multiple"]

_COUNT = re.compile(r"命制\s*(\d+)\s*道(单选题|多选题)")
_OPTION = re.compile(r"^([A-Z])[.．、]\s*(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class AskedQuestion:
    """A question as it stands in a prompt."""

    kind: Kind
    stem: str
    options: tuple[str, ...]


def task_of(prompt: str) -> Task:
    """Which of our tasks this is."""
    if _COUNT.search(prompt) and "【材料】" in prompt:
        return "questions"
    if "【求助】" in prompt and "【回复】" in prompt:
        return "empathy"
    if "【原提示】" in prompt:
        return "rewrite"
    return "answer" if "【题目】" in prompt else "unknown"


def between(prompt: str, name: str) -> str:
    """The text of the block 【name】 … 【name结束】; empty if there is none."""
    _, _, rest = prompt.partition(f"【{name}】")
    return rest.partition(f"【{name}结束】")[0].strip()


def asked_for(prompt: str) -> tuple[int, Kind]:
    """How many questions of which kind a prompt asks for."""
    found = _COUNT.search(prompt)
    if not found:
        raise ValueError("the prompt asks for no questions")
    return int(found[1]), "single" if found[2] == "单选题" else "multiple"


def question_in(prompt: str) -> AskedQuestion:
    """The question in the block 【题目】."""
    block = between(prompt, "题目")
    head, *_ = _OPTION.split(block, maxsplit=1)
    options = tuple(text.strip() for _, text in _OPTION.findall(block))
    kind: Kind = "multiple" if head.lstrip().startswith("多选题") else "single"
    stem = head.strip().removeprefix("单选题：").removeprefix("多选题：")
    return AskedQuestion(kind, stem, options)
