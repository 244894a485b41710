"""Replies by which a reward is put to the test: such as deserve full marks, and such as do not.

Collaborators: ``rewards.selftest`` scores them.
Invariants:
- They depend on the question alone.
- Each cheat comes in the form that pays most, a think block where one does not hurt.

>>> question = PROBE_QUESTIONS[0]
>>> [probe.name for probe in adversarial(question)][:4]
['empty', 'blanks', 'think block only', 'wrong answer']
>>> golden(question)[0]
'<think>逐项分析各个说法。</think>答案：B'
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from rewards.composition import Composition
from rewards.reward import Reward
from rewards.score import RewardSample
from rewards.shipped.ordered_sections import OrderedSections
from rewards.text.canonical import LETTERS, canonical_gold

Level = Literal["empty", "cheat", "form"]
"""empty: there is no answer; cheat: the answer is not the gold; form: it is, in a form nobody wants."""
THINK = "<think>逐项分析各个说法。</think>"
NOISE = "春风又绿江南岸，铁皮盒里装着青苹果与旧船票。Quartz lamps hum beside a paper river."
REPEATS = 200


@dataclass(frozen=True)
class Probe:
    """A reply that does not deserve full marks."""

    name: str
    response: str
    level: Level


def golden(question: RewardSample, reward: Reward | None = None) -> list[str]:
    """Replies that deserve full marks: the question's own response if it has one, else the ways to
    state its gold, since what a reward reads is its own affair."""
    if question.response:
        return [question.response]
    gold = _gold_text(question)
    answers = [f"答案：{gold}", gold, f"\\boxed{{{gold}}}", f"<answer>{gold}</answer>"]
    answers += [question.reference] if question.reference else []
    for sections in _sections(reward):
        answers.append("\n".join(f"{name.split('|')[0]}：{gold}" for name in sections))
    return [THINK + answer for answer in answers] + answers


def adversarial(question: RewardSample) -> list[Probe]:
    """The cheats that this question allows."""
    gold, wrong = _gold_text(question), _wrong_text(question)
    probes = [
        Probe("empty", "", "empty"),
        Probe("blanks", " \n\n ", "empty"),
        Probe("think block only", f"<think>答案：{gold}</think>", "empty"),
        Probe("wrong answer", f"{THINK}答案：{wrong}", "cheat"),
        Probe("gold leaked in the think block", f"<think>答案：{gold}</think>我不能确定。", "cheat"),
        Probe("think block never closed", f"<think>逐项分析。答案：{gold}", "cheat"),
        Probe("random text", THINK + NOISE, "cheat"),
        Probe("gold repeated", THINK + f"答案：{gold}\n" * REPEATS, "form"),
    ]
    letters = LETTERS[: len(question.options)]
    if gold != letters:  # where every option is right, to copy them is to answer
        probes.append(Probe("question copied", THINK + _question_text(question), "cheat"))
    if letters and gold != letters:
        probes.append(Probe("all options", f"{THINK}答案：{letters}", "cheat"))
        probes.append(Probe("all options, hedged", f"{THINK}答案是{'或'.join(letters)}", "cheat"))
    return probes


def _gold_text(question: RewardSample) -> str:
    """The gold as one would say it; of several spellings the first."""
    if question.options:
        try:
            return canonical_gold(question.gold, len(question.options))
        except ValueError:
            pass
    if scores := _scale_scores(question.gold):
        return "\n".join(f"{item}: {score}" for item, score in scores.items())
    return "；".join(point.split("|")[0] for point in question.gold.split("；"))


def _wrong_text(question: RewardSample) -> str:
    if scores := _scale_scores(question.gold):
        return "\n".join(f"{item}: {0 if score else 1}" for item, score in scores.items())
    if not question.options:
        return "与题目无关的另一件事"
    gold, letters = _gold_text(question), LETTERS[: len(question.options)]
    return "".join(letter for letter in letters if letter not in gold)[: len(gold)] or letters[0]


def _scale_scores(gold: str) -> dict[str, float]:
    """The gold of a questionnaire or of EQ-Bench; empty for any other."""
    try:
        tree = json.loads(gold)
    except (ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}


def _question_text(question: RewardSample) -> str:
    if question.prompt:
        return question.prompt
    return "\n".join(f"{letter}.{text}" for letter, text in zip(LETTERS, question.options, strict=False))


def _sections(reward: Reward | None) -> list[tuple[str, ...]]:
    if isinstance(reward, OrderedSections):
        return [reward.sections]
    parts = reward.rewards if isinstance(reward, Composition) else ()
    return [sections for part in parts for sections in _sections(part)]


_OPTIONS = ("内隐记忆", "外显记忆", "感觉记忆", "工作记忆")
_LETTERED = "\n".join(f"{letter}.{text}" for letter, text in zip(LETTERS, _OPTIONS, strict=False))
PROBE_QUESTIONS = (
    RewardSample(
        id="probe/single", response="", gold="B", kind="single", options=_OPTIONS,
        prompt=f"单选题：需要有意识地提取的记忆是？\n{_LETTERED}", reference="答案：B",
    ),
    RewardSample(
        id="probe/multiple", response="", gold="AB", kind="multiple", options=_OPTIONS,
        prompt=f"多选题：按提取时是否有意识，长时记忆分为？\n{_LETTERED}", reference="答案：AB",
    ),
    RewardSample(
        id="probe/case", response="", gold="C", kind="case", options=_OPTIONS,
        prompt=f"案例题：来访者说，烟花熄灭后仍看见光痕，这是？\n{_LETTERED}", reference="答案：C",
    ),
    RewardSample(
        id="probe/short", response="", gold="登门槛效应；认知失调", kind="short",
        prompt="简答题：先应允小的请求，为何更会应允大的？", reference="登门槛效应；认知失调",
    ),
    RewardSample(
        id="probe/number", response="", gold="115", kind="short", reference="115",
        prompt="简答题：智商的平均数为 100，标准差为 15，高出一个标准差是多少？",
    ),
)  # fmt: skip
"""One question of each kind; a reward is asked about those that it has no complaint about."""
SCALE_QUESTIONS = (
    RewardSample(
        id="probe/questionnaire",
        response="",
        gold='{"1": 3, "2": 0, "3": 1}',
        kind="case",
        prompt="按 PHQ-9 的前三题评分，每题 0 至 3 分。",
    ),
    RewardSample(
        id="probe/emotions",
        response="",
        gold='{"Surprise": 7, "Relief": 2, "Anger": 0, "Hope": 5}',
        kind="case",
        prompt="Rate the intensity of Surprise, Relief, Anger and Hope from 0 to 10.",
    ),
)
"""Asked only where no other fits: to any other reward their golds are just odd texts."""
