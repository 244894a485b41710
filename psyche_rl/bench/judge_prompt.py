"""What a judge of benchmarks is asked about one reply, by the name and the version of its prompt.

Two kinds (``BenchmarkJudge``):
- a rubric, with a whole number for each of its axes (``rewards.judge.rubric``, and those of the crisis
  suite);
- a template of ``evaluation/prompts`` with one figure, given the model answer.
Invariants:
- The judge sees the answer part of a reply, never its think block.
- A version is made of the wording: another wording is another version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from psyche_rl import evaluation
from psyche_rl.bench.crisis_rubrics import CRISIS_RUBRICS
from psyche_rl.errors import ConfigError
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.prompt_messages import messages_of
from psyche_rl.prompt_folder import PromptFolder, version_of
from rewards.judge.rubric import PRESETS, Dimension, instructions, judge_messages, verdict_model
from rewards.reply import answer_part

RUBRICS = {**PRESETS, **CRISIS_RUBRICS}
PROMPTS = PromptFolder(Path(evaluation.__file__).parent / "prompts")
SINGLE = "score"
"""The axis of a template."""
_SPEAKERS = {"user": "来访者", "assistant": "咨询师"}


@dataclass(frozen=True)
class JudgePrompt:
    """``axes``: name -> highest score. ``shape`` is what the judge must answer in JSON."""

    name: str
    version: str
    axes: Mapping[str, float]
    shape: type[BaseModel]
    rubric: Mapping[str, Dimension] | None = None

    def messages(self, row: ItemResult) -> tuple[tuple[str, str], ...]:
        """(role, content) of what is asked of a row's reply."""
        answer = answer_part(row.response)
        if self.rubric is not None:
            asked = judge_messages(self.rubric, conversation(row.prompt), answer)
            return tuple((turn["role"], turn["content"]) for turn in asked)
        fenced = answer.replace("</reply>", "<／reply>")
        values = {"subject": row.subject or "", "question_type": row.level or "", "gold": row.gold}
        return (("user", PROMPTS.render(self.name, **values, reply=fenced)),)

    def metric(self, axis: str) -> str:
        """The name under which an axis stands among a row's scores."""
        return f"judge:{self.name}:{axis}"

    @property
    def metrics(self) -> tuple[str, ...]:
        """All names: each axis, and the mean of score / highest score where there are several."""
        return (*map(self.metric, self.axes), *((self.metric("mean"),) if len(self.axes) > 1 else ()))

    def scores(self, axes: Mapping[str, float]) -> dict[str, float]:
        """By their names, from what was given for each axis."""
        found = {self.metric(axis): float(value) for axis, value in axes.items()}
        if len(self.axes) > 1:
            shares = [axes[axis] / top for axis, top in self.axes.items()]
            found[self.metric("mean")] = sum(shares) / len(shares)
        return found


def judge_prompt(benchmark: Benchmark, part: str) -> JudgePrompt | None:
    """What a part's replies are judged by; None where nothing is judged.

    Raises:
        ConfigError: the description names a rubric or a prompt that there is not.
    """
    judge = benchmark.judge
    if judge is None:
        return None
    name = judge.by_part.get(part, judge.rubric)
    if name is not None:
        rubrics = {**RUBRICS, **judge.rubrics}
        if not rubrics.get(name):
            raise ConfigError(
                f"benchmark {benchmark.name}: no rubric '{name}'; there are {', '.join(rubrics)}"
            )
        rubric = rubrics[name]
        version = version_of(name, instructions(rubric))
        axes = {axis: float(dimension.top) for axis, dimension in rubric.items()}
        return JudgePrompt(name, version, axes, verdict_model(rubric), rubric)
    if judge.prompt is None:
        return None
    try:
        version = PROMPTS.version(judge.prompt)
    except OSError:
        raise ConfigError(f"benchmark {benchmark.name}: no judge's prompt '{judge.prompt}'") from None
    return JudgePrompt(judge.prompt, version, {SINGLE: judge.top}, _figure(judge.top))


def conversation(prompt: str) -> str:
    """What was said before the reply, without the system turn; one turn is not named."""
    turns = [turn for turn in messages_of(prompt) if turn["role"] != "system"]
    if len(turns) == 1:
        return turns[0]["content"]
    return "\n".join(f"{_SPEAKERS.get(turn['role'], turn['role'])}：{turn['content']}" for turn in turns)


def _figure(top: float) -> type[BaseModel]:
    fields: dict[str, Any] = {SINGLE: (Annotated[float, Field(ge=0, le=top)], ...)}
    return create_model("Figure", __config__=ConfigDict(extra="ignore"), **fields)
