"""What a log of inspect is made of: a reply as its chat, its scores, and the header around them.

Collaborators: ``item_logs`` and ``rollout_logs`` say what a sample and a score is; ``inspect_extra`` opens
the library. Invariants:
- The reply is in the log as it was (``metadata.reply``); the chat shows its think block folded.
- A score that could not be made is inspect's "unscored", which no mean counts.
- The same samples at the same time give the same names of files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psyche_rl.inspect_logs.inspect_extra import inspect_log
from rewards.text.think_tags import answer_start

_TAG = re.compile(r"^\s*<think(?:ing)?>|</think(?:ing)?>\s*$")
_UNSAFE = re.compile(r"[^\w.+-]+")
_STOPS = {
    "stop": "stop",
    "length": "max_tokens",
    "content_filter": "content_filter",
    "too_long": "model_length",
}


@dataclass(frozen=True)
class LoggedSample:
    """One reply. ``scores`` are None where they could not be made; ``notes`` explain them by name."""

    id: str
    sample: int
    prompt: Sequence[Mapping[str, str]]
    reply: str
    target: str
    model: str
    scores: Mapping[str, float | None]
    answer: str | None = None
    ended: str = "stop"
    error: str | None = None
    reasoning: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
    tokens: tuple[int, int] = (0, 0)
    metadata: Mapping[str, Any] = field(default_factory=dict)


def write_log(
    folder: Path,
    task: str,
    model: str,
    created: str,
    samples: Sequence[LoggedSample],
    means: Mapping[str, Mapping[str, float]],
    metadata: Mapping[str, Any],
) -> Path:
    """Write one ``.eval`` file; returns its path.

    Args:
        created: ISO time with its zone.
        means: score -> name of a figure -> its value, for the header.

    Raises:
        ConfigError: the extra ``inspect`` is not installed.
    """
    log = inspect_log()
    identity = hashlib.sha256("\x1f".join((created, task, model)).encode()).hexdigest()[:22]
    unscored = {name: sum(s.scores.get(name) is None for s in samples) for name in means}
    header = log.EvalSpec(
        eval_id=identity,
        run_id=identity,
        task_id=identity,
        created=created,
        task=task,
        model=model,
        dataset=log.EvalDataset(name=task, samples=len({s.id for s in samples})),
        config=log.EvalConfig(epochs=max((s.sample + 1 for s in samples), default=1)),
        metadata=dict(metadata),
    )
    results = log.EvalResults(
        total_samples=len(samples),
        completed_samples=sum(s.error is None for s in samples),
        scores=[
            log.EvalScore(
                name=name,
                scorer=name,
                scored_samples=len(samples) - unscored[name],
                unscored_samples=unscored[name],
                metrics={key: log.EvalMetric(name=key, value=value) for key, value in figures.items()},
            )
            for name, figures in means.items()
        ],
    )
    stats = log.EvalStats(started_at=created, completed_at=created)
    whole = log.EvalLog(
        status="success", eval=header, results=results, stats=stats, samples=[_sample(s) for s in samples]
    )
    # The viewer reads date, task and id off the file's name, between underscores.
    names = [_UNSAFE.sub("-", part).replace("_", "-").strip("-") or "x" for part in (created[:19], task)]
    path = folder / f"{names[0]}_{names[1][:80]}_{identity}.eval"
    log.write_eval_log(whole, str(path))
    return path


def _sample(given: LoggedSample) -> Any:
    from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ModelOutput, ModelUsage

    log = inspect_log()

    prompt = [_message(message["role"], message["content"]) for message in given.prompt]
    said = ChatMessageAssistant(content=_content(given), model=given.model)
    taken, made = given.tokens
    output = ModelOutput(
        model=given.model,
        choices=[ChatCompletionChoice(message=said, stop_reason=_STOPS.get(given.ended, "unknown"))],
        usage=ModelUsage(input_tokens=taken, output_tokens=made, total_tokens=taken + made),
    )
    return log.EvalSample(
        id=given.id,
        epoch=given.sample + 1,
        input=prompt,
        target=given.target,
        messages=[*prompt, said],
        output=output,
        scores={name: _score(name, value, given) for name, value in given.scores.items()},
        metadata={**given.metadata, "ended": given.ended, "reply": given.reply},
        error=log.EvalError(message=given.error, traceback="", traceback_ansi="") if given.error else None,
    )


def _score(name: str, value: float | None, given: LoggedSample) -> Any:
    from inspect_ai.scorer import Score

    why = given.notes.get(name)
    if value is None:
        return Score.unscored(answer=given.answer, explanation=why)
    return Score(value=value, answer=given.answer, explanation=why)


def _message(role: str, content: str) -> Any:
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

    kinds = {"system": ChatMessageSystem, "assistant": ChatMessageAssistant}
    return kinds.get(role, ChatMessageUser)(content=content)


def _content(given: LoggedSample) -> Any:
    """The reply with its think block, or the reasoning that the server sent apart, as reasoning."""
    from inspect_ai.model import ContentReasoning, ContentText

    start = answer_start(given.reply)
    start = len(given.reply) if start is None else start
    thought = given.reasoning or _TAG.sub("", _TAG.sub("", given.reply[:start]))
    parts = [ContentReasoning(reasoning=thought)] if thought.strip() else []
    return [*parts, ContentText(text=given.reply[start:])]
