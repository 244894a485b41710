"""The held-out exam of a run: the user's questions, ingested and split, or the mini world's.

Used by the GRPO stage (dev, for the accuracy curve) and the eval stage (test).
Invariant: a question whose key is in doubt is in neither split until a reviewer has accepted or edited it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from psyche_rl.errors import ConfigError, DataError
from psyche_rl.evaluation.split import sample_questions, split_dev_test
from psyche_rl.records import Quarantined, Question
from psyche_rl.run_context import StageContext


@dataclass(frozen=True)
class Exam:
    """Dev and test never share a question, nor copies of one; ``quarantined`` rows could not be read, and
    ``doubtful`` questions, which are among them, have copies with other keys, whatever a reviewer says."""

    dev: tuple[Question, ...]
    test: tuple[Question, ...]
    quarantined: tuple[Quarantined, ...] = ()
    doubtful: tuple[Question, ...] = ()


def exam_questions(context: StageContext) -> Exam:
    """The exam that the config names; test is cut to ``data.max_questions`` by a seeded sample.

    Raises:
        ConfigError: there is neither ``data.questions`` nor a mini world.
        DataError: no test question is left.
    """
    config = context.config
    quarantined, doubtful = tuple[Quarantined, ...](), tuple[Question, ...]()
    if config.data.questions:
        from data_pipeline.ingest.exam_questions import read_exam

        read = read_exam(config.data.questions, config.data.follow_links)
        quarantined, doubtful = read.quarantined, read.doubtful
        known = [*read.questions, *_settled(context, doubtful)]
        graded = [q for q in known if q.kind != "short"]
        dev, test = split_dev_test(graded, config.data.dev_share, config.seed)
    elif config.mini is not None:
        dev = context.store.read_records("world/exam_dev.parquet", Question)
        test = context.store.read_records("world/exam_test.parquet", Question)
    else:
        raise ConfigError("data.questions is not set and there is no mini world: nothing to evaluate on")
    if not test:
        raise DataError(
            f"{config.data.questions}: no test question is left; lower data.dev_share or add questions"
        )
    chosen = sample_questions(test, config.data.max_questions, config.seed)
    return Exam(tuple(dev), tuple(chosen), quarantined, doubtful)


def _settled(context: StageContext, doubtful: Sequence[Question]) -> Collection[Question]:
    """Those of the doubtful questions that a reviewer has accepted or edited, as decisions leave them."""
    if not doubtful:
        return ()
    from data_pipeline.review import Queued, apply_review

    items = [Queued(question.id, ("label_audit",)) for question in doubtful]
    undecided_stay_out = context.config.review.model_copy(update={"hold": ("label_audit",)})
    return apply_review(context.store, doubtful, items, undecided_stay_out).kept
