"""The rows of the rollout parquet: what a step sampled, and what became of it.

Pure. Collaborators: ``step_batch`` holds the rows of the step; ``records.ScoredSample`` is the row on disk.
"""

from __future__ import annotations

from typing import Any

from psyche_rl.loops.step_batch import StepBatch
from psyche_rl.questions.render import bare
from psyche_rl.records import GenerationRequest, ScoredSample


def record_rows(step: int, batch: StepBatch) -> list[ScoredSample]:
    """The rollout parquet's rows."""
    return [
        ScoredSample(
            step=step,
            group_id=f"{step}/{row.place}",
            question_id=row.question.id,
            sample_id=row.sample.id,
            prompt=bare(row.question),
            response=row.response,
            gold=row.question.gold,
            response_length=len(row.sample.response_ids),
            finish_reason=row.sample.finish_reason,
            reward=row.score.value,
            reward_parts=row.score.parts,
            reward_error=row.score.error.kind if row.score.error else None,
            advantage=row.advantage,
            weight_version=max(row.sample.weight_versions),
            stem=row.question.stem,
            kl_penalty=row.kl_penalty,
            **_sampling(row.request),
        )
        for row in batch.rows
    ]


def _sampling(request: GenerationRequest | None) -> dict[str, Any]:
    """What a row tells of the request, under the same names."""
    names = ("think_opened", "temperature", "top_p", "top_k", "max_tokens", "seed")
    return {} if request is None else {name: getattr(request, name) for name in names}
