"""Where a stage meets the review: it leaves its queue, takes the decisions so far, and may have to wait.

One file per stage, ``review/queue/<stage>.parquet``, so that a stage that is redone replaces its own part;
the queue is all of them together. A stage that waited finds its LLM calls in the cache when it is run again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, TypeVar, get_args

from data_pipeline.review.apply import Applied, apply_decisions
from data_pipeline.review.log import read_decisions
from data_pipeline.review.queue import URGENCY, Queued, merged, urgency
from data_pipeline.review.standing import is_open, standing
from data_pipeline.rows.record_spool import RecordSpool
from psyche_rl.config.review import ReviewConfig
from psyche_rl.errors import PsycheError
from psyche_rl.records import Dialogue, Passage, Question, ReviewItem
from psyche_rl.store import RunStore
from psyche_rl.store.record_file import RecordFile
from psyche_rl.store.stored_records import StoredRecords

QUEUE = "review/queue"
QueueStage = Literal["synth", "select", "eval"]
STAGES: tuple[QueueStage, ...] = get_args(QueueStage)
T = TypeVar("T", Question, Dialogue)


class ReviewPending(PsycheError):
    """The run was told to wait for a person, and items are undecided: nothing is wrong."""

    exit_code = 4


def write_queue(store: RunStore, stage: QueueStage, items: Iterable[ReviewItem]) -> list[Queued]:
    """A stage's part of the queue, in place of what it wrote before: the most urgent first."""
    spools = [RecordSpool(ReviewItem) for _ in URGENCY]
    for item in items:
        spools[urgency(item)].append(item)
    with RecordFile(store, f"{QUEUE}/{stage}.parquet", ReviewItem) as file:
        file.write_records(item for spool in spools for item in spool)
    return [Queued(item.id, item.reasons) for spool in spools for item in spool]


def has_queue(store: RunStore) -> bool:
    """Whether any stage has written its part."""
    return bool(_parts(store))


def read_queue(store: RunStore) -> list[ReviewItem]:
    """The items of all stages, one per record."""
    return merged(item for part in _parts(store) for item in store.read_records(part, ReviewItem))


def queue_of(store: RunStore) -> list[Queued]:
    """The same without what is shown beside the records."""
    reasons: dict[str, set[str]] = {}
    for part in _parts(store):
        stored = StoredRecords(store, part, ReviewItem)
        for id_, why in zip(stored.column("id"), stored.column("reasons"), strict=True):
            reasons.setdefault(id_, set()).update(why)
    return [Queued(id_, tuple(r for r in URGENCY if r in why)) for id_, why in reasons.items()]


def await_review(store: RunStore, items: Collection[ReviewItem | Queued], config: ReviewConfig) -> None:
    """Nothing, unless the run is to wait for decisions and some are missing.

    Raises:
        ReviewPending: they are; the message names the command to give.
    """
    if not config.wait:
        return
    decided = standing(read_decisions(store)[0])
    undecided = sum(is_open(item, decided) for item in items)
    if undecided:
        raise ReviewPending(
            f"{undecided} of {len(items)} items wait for review (review.wait=true): decide with "
            f"'psyche-rl review {store.url}', then give this command again"
        )


def apply_review(
    store: RunStore,
    records: Collection[T],
    items: Collection[ReviewItem | Queued],
    config: ReviewConfig,
    passages: Mapping[str, Passage] | None = None,
) -> Applied[T]:
    """The records as the decisions in the run folder leave them; see :func:`apply_decisions`."""
    decided = standing(read_decisions(store)[0])
    return apply_decisions(records, items, decided, hold=config.hold, passages=passages)


def _parts(store: RunStore) -> list[str]:
    """The files of the queue in the order of the stages."""
    return [rel for stage in STAGES if store.exists(rel := f"{QUEUE}/{stage}.parquet")]
