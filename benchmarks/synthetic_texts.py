"""Texts, replies and verdicts made up from numbers, for as many questions as wanted, and no LLM.

Role: what ``stage_memory.py`` takes through the stages.
Invariants:
- The same number of questions gives the same texts, replies and verdicts in every process.
- The teacher's faults are of all kinds that the books know: wrong answers, repeats, spans
  that do not stand in their passage, replies that are no JSON, calls without an answer.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallFailure, ChatReply, ChatRequest, ChatResult
from psyche_rl.records import Question, Verdict

PER_PASSAGE = 8
QUESTIONS_PER_POST = 20
CHARACTERS = (
    "记忆注意情绪动机人格知觉思维语言学习遗忘焦虑抑郁从众归因依恋压力睡眠自尊意志态度气质需要兴趣能力智力练习"
)
RIGHT, WRONG = "正", "误"
_MARK = re.compile(r"第(\d+)号被试的材料如下")
_OPTION = re.compile(r"^([A-D])\.(正|误)", re.MULTILINE)
_COUNT = re.compile(r"命制 (\d+) 道(..)题")
_GROUP = re.compile(r"第 (\d+) 组题")
_STEM = re.compile(r"编号(\S+)")


def write_inputs(folder: Path, questions: int) -> None:
    """``passages.jsonl``, ``posts.jsonl`` and ``exam.jsonl`` for about so many questions."""
    folder.mkdir(parents=True)
    _write(folder / "passages.jsonl", _passages(questions // PER_PASSAGE))
    _write(folder / "posts.jsonl", _posts(questions // QUESTIONS_PER_POST))
    _write(folder / "exam.jsonl", _exam(200))


def _write(path: Path, rows: Iterator[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _passages(count: int) -> Iterator[dict[str, object]]:
    for number in range(count):
        draw = random.Random(f"passage {number}")
        body = "".join(f"{_words(draw, 18)}。" for _ in range(12))
        yield {"text": f"第{number}号被试的材料如下。{body}", "title": _words(draw, 4)}


def _posts(count: int) -> Iterator[dict[str, object]]:
    for number in range(count):
        draw = random.Random(f"post {number}")
        post = f"第{number}次来信：{_words(draw, 60)}，我该怎么办？"
        reply = f"建议你先{_words(draw, 20)}，可以{_words(draw, 20)}，再试着{_words(draw, 30)}。"
        yield {"post": post, "reply": reply}


def _exam(count: int) -> Iterator[dict[str, object]]:
    for number in range(count):
        draw = random.Random(f"exam {number}")
        options = {letter: _words(draw, 8) for letter in "ABCD"}
        yield {"question": f"考题{number}：{_words(draw, 30)}是（ ）", "options": options, "answer": "A"}


def _words(draw: random.Random, count: int) -> str:
    return "".join(draw.choices(CHARACTERS, k=count))


class MadeUpTeacher:
    """Stands where the LLM client stands; picklable, and answers where it is asked."""

    def __init__(self) -> None:
        self.teacher = TeacherConfig(model="made-up")

    def complete(self, requests: Sequence[ChatRequest], phase: str) -> list[ChatResult]:
        """A reply to each request."""
        answers = {
            "questions": self._questions,
            "quality": self._quality,
            "rationales": self._rationales,
            "prompt rewriting": self._prompt_rewriting,
            "empathy": self._empathy,
        }
        answer = answers[phase.removesuffix(".repair")]
        return [
            CallFailure("timeout", "no reply within 60 s") if _draw(r, "lost").random() < 0.002 else answer(r)
            for r in requests
        ]

    def _questions(self, request: ChatRequest) -> ChatReply:
        text, draw = request.messages[0][1], _draw(request)
        count = _COUNT.search(text)
        assert count is not None
        number, group = _MARK.search(text), _GROUP.search(text)
        assert number is not None
        assert group is not None
        kind = count[2]
        if draw.random() < 0.005:
            return _said("抱歉，我做不到。")
        rows = []
        for place in range(int(count[1])):
            stem = f"编号{number[1]}-{kind}-{group[1]}-{place}：{_words(draw, 40)}，下列说法正确的是（ ）"
            if rows and draw.random() < 0.01:
                stem = rows[-1]["stem"].replace("，", "、")
            right = 1 if kind == "单选" else draw.choice((2, 3))
            marks = [RIGHT] * right + [WRONG] * (4 - right)
            draw.shuffle(marks)
            span = number[0] if draw.random() > 0.01 else "材料里没有的话"
            rows.append(
                {
                    "stem": stem,
                    "options": {
                        letter: mark + _words(draw, 12) for letter, mark in zip("ABCD", marks, strict=True)
                    },
                    "gold": "".join(x for x, mark in zip("ABCD", marks, strict=True) if mark == RIGHT),
                    "span": span,
                }
            )
        return _said(json.dumps(rows, ensure_ascii=False))

    def _quality(self, request: ChatRequest) -> ChatReply:
        issues = ["ambiguous"] if _draw(request).random() < 0.03 else []
        return _said(json.dumps({"issues": issues, "comment": "见上"}, ensure_ascii=False))

    def _rationales(self, request: ChatRequest) -> ChatReply:
        text, draw = request.messages[0][1], _draw(request)
        right = [letter for letter, mark in _OPTION.findall(text) if mark == RIGHT]
        if draw.random() < 0.06:
            right = [letter for letter in "ABCD" if letter not in right][:2]
        return _said(f"逐项来看：{_words(draw, 250)}。\n答案：{''.join(right)}")

    def _prompt_rewriting(self, request: ChatRequest) -> ChatReply:
        return _said(f"请先找出题眼，再逐项判断：{_words(_draw(request), 60)}。")

    def _empathy(self, request: ChatRequest) -> ChatReply:
        text, draw = request.messages[0][1], _draw(request)
        plain = text.partition("【回复】\n")[2].partition("\n【回复结束】")[0]
        return _said(f"我听到你很难受（{_words(draw, 30)}）。{plain}")


def _draw(request: ChatRequest, salt: str = "") -> random.Random:
    digest = hashlib.sha256(f"{salt}{request.messages}{request.sample}".encode()).digest()
    return random.Random(digest)


def _said(text: str) -> ChatReply:
    return ChatReply(text, 1, 1)


def verdicts_of(label: str, question: Question, samples: int) -> list[Verdict]:
    """What a selector answers: of all kinds that selection tells apart."""
    draw = random.Random(f"{label} {question.stem}")
    together = random.Random(question.stem).random()
    found = []
    for sample in range(samples):
        answer: str | None = question.gold
        if together < 0.05:  # all selectors agree on a wrong one
            answer = "A" if question.gold != "A" else "B"
        elif together < 0.4:
            answer = draw.choice(("A", "B", "CD", None))
        error = "timeout: no reply" if together > 0.999 else None
        found.append(
            Verdict(
                question_id=question.id,
                selector=label,
                sample=sample,
                text="" if error else f"{_words(draw, 60)}。答案：{answer}",
                answer=None if error else answer,
                correct=not error and answer == question.gold,
                error=error,
            )
        )
    return found
