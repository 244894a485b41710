"""What the scripted teacher says: a reply to each of our prompts, as a teacher LLM would word it.

Collaborators: ``prompt_reading`` finds the task, ``knowledge`` the facts, ``flaws`` what goes wrong.
Invariants:
- A reply depends on (seed, flaws, request) alone.
- The teacher's key of a question depends on (seed, question), so that the key it wrote and the answer it
  later reasons to are the same habit.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from typing import Any

from psyche_rl.mini import world
from psyche_rl.mini.teacher import conversation, prompt_reading, reviewer, schema_reply
from psyche_rl.mini.teacher.faults import draw
from psyche_rl.mini.teacher.flaws import TeacherFlaws, break_json
from psyche_rl.mini.teacher.knowledge import DENIAL, Knowledge, span_of, words_only
from psyche_rl.mini.teacher.wire import Asked

HINTS = (
    "请先圈出题干中的概念，再逐项核对每个选项。",
    "请把每个选项与题干中的概念逐一对照后再下结论。",
    "请依次判断各个选项是否成立，不要跳过任何一项。",
    "请留意容易混淆的概念，对每个选项分别作出判断。",
)


SCENES = (
    "一位大学生在复习时与同学就教材中的一段内容发生了争论，两人各执一词。",
    "一位来访者读到一段文字后感到疑惑，在会谈中向咨询师请教。",
    "在一次小组督导中，几位实习咨询师就同一段材料提出了不同的看法。",
)
JSON_TASKS = (
    "questions", "quality", "gate", "conversation", "conversation_check", "conversation_repair",
    "crisis",
)  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """What the teacher says; ``is_json`` if that is, or should have been, a JSON value."""

    task: prompt_reading.Task
    text: str
    is_json: bool


class Teacher:
    """Answers prompts; no state but memories of fixed texts."""

    def __init__(self, flaws: TeacherFlaws, seed: int) -> None:
        self.flaws, self.seed, self._knowledge = flaws, seed, Knowledge()

    def answer(self, asked: Asked) -> Reply:
        """The reply to a request, in the form that it asks for."""
        task, text = self.reply(asked.prompt, asked.sample or 0)
        if asked.wants_json:
            text = _fitted(text, asked.schema, by_right=task in JSON_TASKS)
        return Reply(task, text, asked.wants_json or task in JSON_TASKS)

    def reply(self, prompt: str, sample: int) -> tuple[prompt_reading.Task, str]:
        """The task that was read in a prompt, and the reply to it."""
        task = prompt_reading.task_of(prompt)
        digest = hashlib.sha256(f"{sample}\x1f{prompt}".encode()).hexdigest()
        rng = draw(self.seed, task, digest)
        match task:
            case "questions":
                text = self._questions(prompt, rng)
            case "answer":
                text = self._answer(prompt, rng)
            case "rewrite":
                text = f"{prompt_reading.between(prompt, '原提示')}\n{rng.choice(HINTS)}"
            case "empathy":
                text = self._empathy(prompt)
            case "quality":
                # By the question alone: asked again in other words, it has the same quality.
                text = reviewer.quality(
                    prompt, draw(self.seed, task, prompt_reading.between(prompt, "待审题目"))
                )
            case "gate":
                text = reviewer.better(prompt)
            case "conversation":
                post, plain = (
                    prompt_reading.between(prompt, "多轮求助"),
                    prompt_reading.between(prompt, "多轮回复"),
                )
                text = conversation.written(prompt, post, plain, rng)
            case "conversation_check":
                held = prompt_reading.between(prompt, "核对对话")
                text = conversation.checked(draw(self.seed, task, held))
            case "conversation_repair":
                text = conversation.mended(prompt_reading.between(prompt, "修改对话"))
            case "crisis":
                text = reviewer.crisis(prompt)
            case "unknown":
                text = "好的，我会尽力帮助您。"
        return task, text

    def key_of(self, question: world.WorldQuestion) -> str:
        """The key this teacher writes for a question: right, or with a right option left out."""
        rng = draw(self.seed, "key", question.text())
        return world.teacher_key(question, rng, self.flaws.key_omission)

    def _questions(self, prompt: str, rng: random.Random) -> str:
        count, kind = prompt_reading.asked_for(prompt)
        passage = prompt_reading.between(prompt, "材料")
        rows = [self._row(passage, kind, rng) for _ in range(count)]
        text = json.dumps(rows, ensure_ascii=False, indent=1)
        if rng.random() < self.flaws.malformed:
            return break_json(text, rng)
        return f"```json\n{text}\n```" if rng.random() < 0.25 else text

    def _row(self, passage: str, kind: prompt_reading.AskedKind, rng: random.Random) -> dict[str, object]:
        if kind == "case":
            return {"case": rng.choice(SCENES), **self._question_row(passage, "multiple", rng)}
        return self._short_row(passage, rng) if kind == "short" else self._question_row(passage, kind, rng)

    def _question_row(self, passage: str, kind: prompt_reading.Kind, rng: random.Random) -> dict[str, object]:
        concept = self._knowledge.concept_of_passage(passage)
        if concept is None:
            question = self._knowledge.question_on_text(passage, kind, rng)
        else:
            question = world.make_question(self._knowledge.cards, concept, kind, rng, "train")
        stem = question.stem.removeprefix(f"{world.PREFIX[kind]}：")
        true = [question.options[world.LETTERS.index(letter)] for letter in question.gold]
        evidence = next((option for option in true if not option.startswith(DENIAL)), passage)
        asked = world.WorldQuestion(kind, question.concept, stem, question.options, question.gold)
        return {
            "stem": stem,
            "options": dict(zip(world.LETTERS, question.options, strict=False)),
            "gold": self.key_of(asked),
            "span": span_of(passage, evidence),
        }

    def _short_row(self, passage: str, rng: random.Random) -> dict[str, object]:
        """A question whose answer is key points of the passage."""
        concept = self._knowledge.concept_of_passage(passage)
        if concept is not None:
            card = self._knowledge.cards[concept]
            points = rng.sample(card.phrases, 3)
            return {"stem": f"请简述{card.name}的要点。", "gold": points, "span": span_of(passage, points[0])}
        points = self._knowledge.clauses_of_sentence(passage, rng)
        stem = f"请根据材料，就“{points[0][:12]}”作简要说明。"
        return {"stem": stem, "gold": points, "span": span_of(passage, points[0])}

    def _answer(self, prompt: str, rng: random.Random) -> str:
        asked = prompt_reading.question_in(prompt)
        if not asked.options:
            return self._knowledge.told_about(asked.stem)
        right = self._knowledge.right_letters(asked.kind, asked.stem, asked.options)
        question = world.WorldQuestion(asked.kind, "", asked.stem, asked.options, right)
        key = self.key_of(question)
        if rng.random() < self.flaws.wrong_rationale:
            key = _another_key(key, len(asked.options), asked.kind, rng)
        return f"{world.rationale(question, self._knowledge.owner, key)}\n答案：{key}"

    def _empathy(self, prompt: str) -> str:
        post, plain = prompt_reading.between(prompt, "求助"), prompt_reading.between(prompt, "回复")
        known = self._knowledge.empathetic.get(words_only(post))
        return known or f"读到您写下的这些，我能感受到您此刻的不容易。{plain}您愿意再多说说现在的感受吗？"


def _fitted(text: str, schema: dict[str, Any] | None, by_right: bool) -> str:
    """A reply as the JSON that a request asks for; one that is broken JSON by a flaw stays as it is."""
    said: Any = {"reply": text}
    if by_right:
        try:
            said = json.loads(text.removeprefix("```json\n").removesuffix("\n```"))
        except ValueError:
            return text
    value = said if schema is None else schema_reply.instance(schema, said)
    return json.dumps(value, ensure_ascii=False, indent=1)


def _another_key(key: str, options: int, kind: prompt_reading.Kind, rng: random.Random) -> str:
    """A key that differs from ``key``: another letter, or one letter more or less."""
    letters = world.LETTERS[:options]
    others = [letter for letter in letters if letter not in key]
    if kind == "single":
        return rng.choice(others or list(letters))
    if others and (len(key) < 2 or rng.random() < 0.5):
        return "".join(sorted(key + rng.choice(others)))
    return key.replace(rng.choice(key), "")
