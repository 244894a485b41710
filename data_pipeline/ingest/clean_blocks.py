"""Reading inputs and cleaning what they hold, as pure functions on tables; ``cleaned_stream`` maps them.

Collaborators: ``passages`` and ``posts`` read, ``cleaning`` cleans; :data:`PASSAGES` and :data:`POSTS` say
how each kind is read and cleaned.
Invariants:
- each input ends in one outcome of the step ``<step>.files``, which names every row that was read from it
  before anything else is done with the rows;
- an input that cannot be read is one quarantined row;
- a cleaned block is in the order of what went in, so that block sizes decide nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from data_pipeline.cleaning import passage_cleaning, post_cleaning
from data_pipeline.cleaning.cleaned_row import CleanedRow
from data_pipeline.cleaning.raw_post import RawPost
from data_pipeline.ingest import passages, posts
from data_pipeline.ingest.raw_rows import Input, RawRow, bad_row
from data_pipeline.rows.accounting import UnbalancedRowsError
from data_pipeline.rows.mixed_records import column_of, places_of, to_mixed
from data_pipeline.rows.row_origin import RowOrigin
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.config.data import DataConfig
from psyche_rl.errors import DataError
from psyche_rl.records import Dialogue, Passage, Quarantined, Record, RowOutcome


@dataclass(frozen=True)
class CleanedKind:
    """How texts of one kind are read (as ``raw``) and cleaned (to ``record``).

    ``step`` names their rows in the accounting.
    """

    step: str
    record: type[Record]
    raw: type[Record]
    read: Callable[[Input, DataConfig], Iterator[Passage | RawPost | Quarantined]]
    read_stage: str
    clean: Callable[[pa.Table, CleanConfig], pa.Table]
    clean_row: Callable[[Any, CleanConfig], CleanedRow]

    @property
    def files_step(self) -> str:
        """The step whose rows are the inputs themselves."""
        return f"{self.step}.files"

    @property
    def read_kinds(self) -> tuple[type[Record], ...]:
        """What a block of raw rows holds."""
        return (self.raw, Quarantined, RowOutcome)


PASSAGES = CleanedKind(
    passage_cleaning.STAGE,
    Passage,
    Passage,
    passages.read_passages,
    passages.STAGE,
    passage_cleaning.clean_passages,
    passage_cleaning.clean_passage,
)
POSTS = CleanedKind(
    post_cleaning.STAGE,
    Dialogue,
    RawPost,
    posts.read_posts,
    posts.STAGE,
    post_cleaning.clean_posts,
    post_cleaning.clean_post,
)


def read_blocks(found: Sequence[Input], data: DataConfig, kind: CleanedKind, rows: int) -> Iterator[pa.Table]:
    """Blocks of up to ``rows`` raw records, quarantined rows and outcomes of inputs."""
    records = raw_records(found, data, kind)
    while part := list(islice(records, rows)):
        yield to_mixed(part, kind.read_kinds)


def clean_block(block: pa.Table, kind: CleanedKind, clean: CleanConfig) -> pa.Table:
    """A block of raw rows, cleaned; what reading set aside or counted goes through as it is.

    Raises:
        UnbalancedRowsError: cleaning gave more or fewer rows than it got.
    """
    places = places_of(block, kind.raw)
    raw = column_of(block, kind.raw)
    cleaned = kind.clean(pa.Table.from_struct_array(raw), clean)
    if cleaned.num_rows != len(places) + 1:
        gave = cleaned.num_rows - 1
        raise UnbalancedRowsError(f"step {kind.step}: cleaning gave {gave} rows of {len(places)}")
    other = sorted(set(range(block.num_rows)) - set(places))
    if not other:
        return cleaned
    both = pa.concat_tables([cleaned, block.take(pa.array(other))], promote_options="default")
    at = [*places, block.num_rows, *other]  # the counts of the rules come last
    return both.take(pa.array(sorted(range(len(at)), key=at.__getitem__)))


def raw_records(found: Sequence[Input], data: DataConfig, kind: CleanedKind) -> Iterator[Record]:
    """Raw records and rows set aside in the order of the inputs, after each input its outcome."""
    for one in found:
        read: list[str] = []
        try:
            for record in kind.read(one, data):
                read.append(RowOrigin.at(kind.step, record.source, record.row).id)
                yield record
        except DataError as error:
            record = bad_row(kind.read_stage, RawRow(one.source, 0, ""), str(error))
            read.append(RowOrigin.at(kind.step, record.source, record.row).id)
            yield record
        yield RowOrigin(kind.files_step, one.source, one.source).ok(rows_read=read)
