"""``psyche-rl rewards test``, and what the GRPO stage asks of a reward before it trains on it.

Collaborators: ``rewards.selftest`` puts the reward to the test; here it is shown, and refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from psyche_rl.errors import ConfigError
from psyche_rl.records import Question
from rewards import Reward, RewardSample
from rewards.selftest import ScoredProbe, Scorer, SelfTest, selftest

if TYPE_CHECKING:
    from psyche_rl.rollout.question_codec import QuestionCodec


def refuse_pay_for_nothing(
    reward: Reward,
    questions: Sequence[Question],
    codec: QuestionCodec,
    scorer: Scorer,
    say: Callable[..., None],
) -> None:
    """Put ``reward`` to the test on the first question of each kind; say which other cheats it pays.

    Raises:
        ConfigError: it gives full marks to an empty answer.
    """
    first = dict[str, RewardSample]()
    for question in questions:
        if question.kind not in first:
            first[question.kind] = codec.unanswered(question)
    result = selftest(reward, list(first.values()), scorer=scorer)
    if empty := result.pays_for_nothing:
        raise ConfigError(
            f"reward '{reward.name}' gives an empty answer full marks ({empty.score.value:g} for probe "
            f"'{empty.probe.name}' on question {empty.question.id}): training on it teaches silence; add a "
            "reward for the answer, and see `psyche-rl rewards test`"
        )
    names = sorted({finding.probe.name for finding in result.hacks})
    if names:
        say(f"grpo: reward '{reward.name}' gives full marks to: {', '.join(names)}")
    for sample, score in result.failed:
        say(f"grpo: reward '{reward.name}' has no score for the gold of {sample.id}: {score.error}")


def lines(result: SelfTest) -> dict[str, list[str]]:
    """What the test found, as lines under headings; nothing under a heading with nothing to tell."""
    found = {
        "unread": [f"{q.id}: no reply tried was worth more than nothing" for q in result.unread],
        "gold without score": [f"{q.id}: {score.error}" for q, score in result.failed],
        "errors": [f"{f.question.id}: {f.probe.name}: {f.score.error}" for f in result.errors],
    }
    return {heading: told for heading, told in found.items() if told}


def as_json(reward: Reward, result: SelfTest) -> dict[str, Any]:
    """The same for programs."""
    table = [
        {
            "question": f.question.id,
            "kind": f.question.kind,
            "probe": f.probe.name,
            "level": f.probe.level,
            "value": f.score.value,
            "full": f.full,
            "full_marks": f.is_full,
        }
        for f in result.findings
    ]
    told = {"reward": reward.name, "fingerprint": reward.fingerprint(), "passed": result.passed}
    return {**told, **lines(result), "probes": table}


def print_table(reward: Reward, result: SelfTest) -> None:
    """Probes by kinds of questions: the most that each got, and where that is what the gold got."""
    from rich.table import Table

    from psyche_rl.terminal.console import PlainConsole

    console = PlainConsole()
    table = Table("probe", title=f"{reward.name} ({reward.fingerprint()}); full marks in parentheses")
    kinds = list(dict.fromkeys(finding.question.kind for finding in result.findings))
    for kind in kinds:
        full = max(finding.full for finding in result.findings if finding.question.kind == kind)
        table.add_column(f"{kind} ({full:.3g})", justify="right")
    for name in dict.fromkeys(finding.probe.name for finding in result.findings):
        cells = [f for f in result.findings if f.probe.name == name]
        table.add_row(name, *(_cell([f for f in cells if f.question.kind == kind]) for kind in kinds))
    console.print(table)
    for heading, told in lines(result).items():
        console.print(f"{heading}:\n  " + "\n  ".join(told))
    hacks, weak = (sorted({f.probe.name for f in found}) for found in (result.hacks, result.weaknesses))
    if weak:
        console.print(f"weak: full marks for {', '.join(weak)}; a penalty such as `repetition` mends it")
    verdict = f"full marks for {', '.join(hacks)}" if hacks else "no hack found"
    console.print(f"{'passed' if result.passed else 'FAILED'}: {verdict}")


def _cell(findings: Sequence[ScoredProbe]) -> str:
    """``0.5``, or ``1.5 HACK 2/3`` where that is so on two of three questions."""
    values = [f.score.value for f in findings if f.score.value is not None]
    if not values:
        return "error" if findings else ""
    full = [f for f in findings if f.is_full]
    if not full:
        return f"{max(values):.3g}"
    mark = "weak" if full[0].probe.level == "form" else "HACK"
    return f"{max(values):.3g} {mark} {len(full)}/{len(findings)}"
