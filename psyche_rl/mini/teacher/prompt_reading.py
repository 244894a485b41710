"""How the scripted teacher reads a prompt: the task, the texts between its brackets, the question.

The marks below are the words that our prompt templates use (``data_pipeline/synthesis/prompts``); a test
renders every template and sees that it is read here. The templates know nothing of this module.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from psyche_rl.questions.render import KIND_NAMES

Task = Literal[
    "questions", "answer", "rewrite", "empathy", "quality", "gate",
    "conversation", "conversation_check", "conversation_repair", "crisis", "unknown",
]  # fmt: skip
Kind = Literal["single", "multiple"]
AskedKind = Literal["single", "multiple", "case", "short"]

KINDS: dict[str, AskedKind] = {name: kind for kind, name in KIND_NAMES.items()}
_MARKS: tuple[tuple[Task, tuple[str, ...]], ...] = (
    ("empathy", ("求助", "回复")),
    ("rewrite", ("原提示",)),
    ("quality", ("审核材料", "待审题目")),
    ("gate", ("推理甲", "推理乙")),
    ("conversation", ("多轮求助", "多轮回复")),
    ("conversation_check", ("核对求助", "核对对话")),
    ("conversation_repair", ("修改对话",)),
    ("crisis", ("待查对话",)),
    ("answer", ("题目",)),
)
"""Task -> the blocks that tell it; the first that fits is it."""
MOST_QUESTIONS = 50
_COUNT = re.compile(rf"命制\s*(\d+)\s*道({'|'.join(KINDS)})")
_KIND_LINE = re.compile(rf"^({'|'.join(KINDS)})[：:]?\s*", re.MULTILINE)
_ISSUE = re.compile(r"^- (\w+)：", re.MULTILINE)
_OPTION = re.compile(r"^([A-Z])[.．、]\s*(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class AskedQuestion:
    """A question as it stands in a prompt; any with several right options is "multiple"."""

    kind: Kind
    stem: str
    options: tuple[str, ...]


def task_of(prompt: str) -> Task:
    """Which of our tasks this is."""
    if _COUNT.search(prompt) and "【材料】" in prompt:
        return "questions"
    found = next((task for task, marks in _MARKS if all(f"【{mark}】" in prompt for mark in marks)), None)
    return found or "unknown"


def between(prompt: str, name: str) -> str:
    """The text of the block 【name】 … 【name结束】; empty if there is none."""
    _, _, rest = prompt.partition(f"【{name}】")
    return rest.partition(f"【{name}结束】")[0].strip()


def asked_for(prompt: str) -> tuple[int, AskedKind]:
    """How many questions of which kind a prompt asks for."""
    found = _COUNT.search(prompt)
    if not found:
        raise ValueError("the prompt asks for no questions")
    return min(int(found[1][:4]), MOST_QUESTIONS), KINDS[found[2]]


def question_in(prompt: str) -> AskedQuestion:
    """The question in the block 【题目】, without its case."""
    block = between(prompt, "题目")
    head, *_ = _OPTION.split(block, maxsplit=1)
    options = tuple(text.strip() for _, text in _OPTION.findall(block))
    marks = list(_KIND_LINE.finditer(head))
    if not marks:
        return AskedQuestion("single", head.strip(), options)
    kind: Kind = "single" if marks[-1][1] == "单选题" else "multiple"
    return AskedQuestion(kind, head[marks[-1].end() :].strip(), options)


def issue_codes(prompt: str) -> list[str]:
    """The codes of issues that a prompt offers to choose from."""
    return _ISSUE.findall(prompt)
