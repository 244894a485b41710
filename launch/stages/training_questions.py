"""The questions that a run trains on: those that its reward can score and its context has room for.

Collaborators: ``launch.stages.grpo``; the codec measures prompts, the reward looks at keys.
Invariant: every other question stands in ``grpo/quarantined.parquet`` with its row and the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psyche_rl.errors import DataError
from psyche_rl.records import Quarantined, Question
from psyche_rl.store import RunStore
from rewards import Reward

if TYPE_CHECKING:
    from psyche_rl.rollout.question_codec import QuestionCodec

SET_ASIDE = "grpo/quarantined.parquet"


def trainable(
    reward: Reward, questions: Sequence[Question], codec: QuestionCodec, source: str, store: RunStore
) -> list[Question]:
    """The questions that nothing is wrong with; the others are set aside with the reason.

    Raises:
        DataError: none is left.
    """
    kept = list[Question]()
    unscored, too_long = list[Quarantined](), list[Quarantined]()
    for row, question in enumerate(questions):
        complaint = reward.check(codec.unanswered(question))
        excess = codec.excess(question) if complaint is None else None
        if reason := complaint or excess:
            content = question.model_dump_json()
            aside = Quarantined(stage="grpo", source=source, row=row, reason=reason, content=content)
            (too_long if excess else unscored).append(aside)
        else:
            kept.append(question)
    if not kept:
        raise DataError(f"{store.url}/{source}: {_nothing_left(unscored, too_long)}")
    store.write_records(SET_ASIDE, Quarantined, sorted([*unscored, *too_long], key=lambda aside: aside.row))
    return kept


def _nothing_left(unscored: Sequence[Quarantined], too_long: Sequence[Quarantined]) -> str:
    told, remedies = list[str](), list[str]()
    if unscored:
        told.append(
            f"no reply to {len(unscored)} can be scored (row {unscored[0].row}: {unscored[0].reason})"
        )
        remedies.append("correct the keys")
    if too_long:
        told.append(f"{len(too_long)} are too long (row {too_long[0].row}: {too_long[0].reason})")
        remedies.append(
            "lower grpo.max_tokens, raise engine.max_model_len or take a model of a longer context"
        )
    count = len(unscored) + len(too_long)
    return f"none of {count} questions is left to train on: {', '.join(told)}; {', or '.join(remedies)}"
