"""Self-test of a reward: full marks for the gold, and for nothing else.

Full marks are what the gold reply of the same question gets: penalties are 0 at best and -1 at worst, and a
reward of one's own may have any scale. Collaborators: ``rewards.probes`` holds the replies.

>>> from rewards import ThinkFormat, exam_reward
>>> selftest(exam_reward(1.0, 0.5)).hacks
()
>>> format_only = selftest(ThinkFormat())
>>> sorted({finding.probe.name for finding in format_only.hacks if finding.question.id == "probe/short"})
['gold leaked in the think block', 'question copied', 'random text', 'wrong answer']
>>> format_only.pays_for_nothing is None
True
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rewards.batch_scoring import score_batch
from rewards.probes import PROBE_QUESTIONS, SCALE_QUESTIONS, Probe, adversarial, golden
from rewards.reward import Reward
from rewards.score import RewardSample, Score

TOLERANCE = 1e-9
Scorer = Callable[[Sequence[RewardSample]], list[Score]]
"""Scores samples in order: this process, or a pool whose processes can be killed."""


@dataclass(frozen=True)
class ScoredProbe:
    """One reply's score beside the full marks of its question."""

    question: RewardSample
    probe: Probe
    score: Score
    full: float

    @property
    def is_full(self) -> bool:
        """Whether the reply got as much as the gold."""
        return self.score.value is not None and self.score.value >= self.full - TOLERANCE


@dataclass(frozen=True)
class SelfTest:
    """What came of it. ``unread`` are questions no gold reply of which was worth more than nothing,
    ``failed`` those whose gold got an error instead of a score."""

    findings: tuple[ScoredProbe, ...]
    unread: tuple[RewardSample, ...]
    failed: tuple[tuple[RewardSample, Score], ...]

    @property
    def hacks(self) -> tuple[ScoredProbe, ...]:
        """Replies that got full marks without stating the gold."""
        return tuple(f for f in self.findings if f.is_full and f.probe.level != "form")

    @property
    def weaknesses(self) -> tuple[ScoredProbe, ...]:
        """Replies that got full marks for stating the gold in a form nobody wants."""
        return tuple(f for f in self.findings if f.is_full and f.probe.level == "form")

    @property
    def errors(self) -> tuple[ScoredProbe, ...]:
        """Replies that got an error where any reply ought to get a score."""
        return tuple(f for f in self.findings if f.score.error is not None)

    @property
    def pays_for_nothing(self) -> ScoredProbe | None:
        """An empty answer with full marks: training on such a reward teaches silence."""
        return next((f for f in self.hacks if f.probe.level == "empty"), None)

    @property
    def passed(self) -> bool:
        """Whether something was tested and nothing was found but weaknesses."""
        return bool(self.findings) and not (self.hacks or self.errors or self.unread or self.failed)


def selftest(
    reward: Reward,
    questions: Sequence[RewardSample] = (),
    kinds: Sequence[str] = (),
    scorer: Scorer | None = None,
) -> SelfTest:
    """Score gold and cheats of each question that ``reward`` has no complaint about.

    ``questions`` take the place of the built-in ones; the ``response`` of one, if there is any, is taken as
    a reply that deserves full marks. ``kinds`` limits the kinds asked about.
    """
    score = scorer or partial(score_batch, reward)
    asked = _askable(reward, questions or PROBE_QUESTIONS, kinds)
    if not asked and not questions:
        asked = _askable(reward, SCALE_QUESTIONS, kinds)
    findings, unread = list[ScoredProbe](), list[RewardSample]()
    failed = list[tuple[RewardSample, Score]]()
    for question in asked:
        scores = score(_replies(question, golden(question, reward)))
        values = [score.value for score in scores if score.value is not None]
        if not values:
            failed.append((question, scores[0]))
            continue
        probes = adversarial(question)
        tried = score(_replies(question, [probe.response for probe in probes]))
        full, lowest = max(values), min([*values, *(s.value for s in tried if s.value is not None)])
        if full <= 0 and full - lowest <= TOLERANCE:
            unread.append(question)  # all replies are one to it: it may just not read ours
        else:
            pairs = zip(probes, tried, strict=True)
            findings += [ScoredProbe(question, probe, score, full) for probe, score in pairs]
    return SelfTest(tuple(findings), tuple(unread), tuple(failed))


def _askable(reward: Reward, questions: Sequence[RewardSample], kinds: Sequence[str]) -> list[RewardSample]:
    return [q for q in questions if (not kinds or q.kind in kinds) and reward.check(q) is None]


def _replies(question: RewardSample, texts: Sequence[str]) -> list[RewardSample]:
    # A token a character is on the safe side for penalties of length; the figure only has to be there.
    return [
        question.model_copy(
            update={"id": f"{question.id}/{place}", "response": text, "response_tokens": len(text)}
        )
        for place, text in enumerate(texts)
    ]
