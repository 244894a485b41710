"""The accuracy curve: the dev split answered greedily by the rollout engines during training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psyche_rl.evaluation import ExamReply, grade
from psyche_rl.evaluation.grading import AS_THE_PAPER
from psyche_rl.loops.protocols import Rollouts
from psyche_rl.records import Question
from psyche_rl.rollout.question_codec import QuestionCodec
from psyche_rl.rollout.sampling import GREEDY
from rewards import ThinkFormat


@dataclass(frozen=True)
class ExamProbe:
    """Questions of the dev split; the test split is never touched before the eval stage."""

    questions: Sequence[Question]
    codec: QuestionCodec
    form: ThinkFormat = AS_THE_PAPER
    """What the policy is rewarded for."""

    def measure(self, rollouts: Rollouts, version: int) -> dict[str, float]:
        """``eval/strict_accuracy``, ``eval/<kind>`` and ``eval/format_rate`` at weight ``version``.

        ``eval/questions`` and ``eval/questions_<kind>`` say of how many questions.
        """
        requests = [self.codec.request(q, f"dev/{i}", 1, GREEDY, 0) for i, q in enumerate(self.questions)]
        answers = [samples[0] for samples in rollouts.generate(requests, version)]
        replies = [
            ExamReply(q, self.codec.text(a.response_ids), a.finish_reason, len(a.response_ids))
            for q, a in zip(self.questions, answers, strict=True)
        ]
        rows = grade(replies, self.form).rows
        if not rows:
            return {}
        by_kind = {kind: [r.correct for r in rows if r.kind == kind] for kind in {r.kind for r in rows}}
        return {
            "eval/strict_accuracy": sum(r.correct for r in rows) / len(rows),
            "eval/format_rate": sum(r.format_ok for r in rows) / len(rows),
            **{f"eval/{kind}": sum(right) / len(right) for kind, right in sorted(by_kind.items())},
            "eval/questions": float(len(rows)),
            **{f"eval/questions_{kind}": float(len(right)) for kind, right in sorted(by_kind.items())},
        }
