"""Takes a stream of cleaned blocks to files and says what became of every row.

Role: :func:`write_cleaned` is the call for a stage: from paths to parquet files in a run folder, in flat
memory, with exact repeats left out on the way.
Files, for the step ``passages``: ``passages.parquet`` and ``passages_outcomes.parquet`` (how each input and
each row read from it ended), and ``passages_taken_out.parquet`` (sentences and lines that went as a whole).
Posts also have ``posts_crisis.parquet``, the conversations that a person decides on.
Invariants:
- A file is absent or whole.
- Outcomes are in the order of the rows.
- The record that stays of equal texts is named in the outcome of the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import pyarrow as pa

from data_pipeline.cleaning.crisis_post import CrisisPost
from data_pipeline.cleaning.rule_counts import RuleCounts, TakenOut, total
from data_pipeline.ingest.clean_blocks import CleanedKind
from data_pipeline.ingest.cleaned_stream import stream_cleaned
from data_pipeline.ingest.passages import nothing_found
from data_pipeline.ingest.seen import SeenTexts
from data_pipeline.rows.mixed_records import column_of, from_mixed, places_of
from data_pipeline.rows.outcome_counts import OutcomeCounts
from data_pipeline.rows.row_origin import RowOrigin
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.config.data import DataConfig
from psyche_rl.records import Dialogue, Quarantined, RowOutcome
from psyche_rl.store import RunStore
from psyche_rl.store.record_file import RecordFile


@dataclass(frozen=True)
class CleanReport:
    """What became of the rows. ``crisis`` counts those, among ``ended.ok``, that wait for a person;
    ``rules`` the texts that a rule changed and the hits of PII kinds."""

    ended: OutcomeCounts
    crisis: int
    rules: dict[str, int] = field(compare=False)


def write_cleaned(
    store: RunStore,
    folder: str,
    paths: Sequence[str],
    data: DataConfig,
    clean: CleanConfig,
    kind: CleanedKind,
) -> CleanReport:
    """Clean the texts of files, folders and datasets into ``folder`` of the store.

    Raises:
        DataError: a path is missing or nothing in the paths is of the kind.
    """
    name, seen, crises, rules = f"{folder}/{kind.step}", SeenTexts(), 0, Counter[str]()
    statuses, filters = Counter[str](), Counter[str]()
    first_reason: str | None = None
    with ExitStack() as stack:
        clean_file = stack.enter_context(RecordFile(store, f"{name}.parquet", kind.record))
        outcome_file = stack.enter_context(RecordFile(store, f"{name}_outcomes.parquet", RowOutcome))
        taken_file = stack.enter_context(RecordFile(store, f"{name}_taken_out.parquet", TakenOut))
        crisis_file = RecordFile(store, f"{name}_crisis.parquet", CrisisPost)
        if kind.record is Dialogue:
            stack.enter_context(crisis_file)
        for table in stream_cleaned(paths, data, clean, kind):
            new, ends = _clean_rows(table, kind, seen)
            clean_file.write(new)
            if kind.record is Dialogue:
                waiting, their_ends = _crises(table, kind, seen)
                crisis_file.write_records(waiting)
                ends, crises = [*ends, *their_ends], crises + len(waiting)
            ends += _ended_before(table, kind)
            ended = [outcome for _, outcome in sorted(ends, key=lambda placed: placed[0])]
            outcome_file.write_records(ended)
            of_rows = [outcome for outcome in ended if outcome.stage == kind.step]
            first_reason = first_reason or next((o.reason for o in of_rows if o.reason), None)
            statuses.update(outcome.status for outcome in of_rows)
            filters.update(outcome.filter for outcome in of_rows if outcome.filter is not None)
            counted = from_mixed(table, RuleCounts)
            rules.update(total(counted))
            taken_file.write_records([part for block in counted for part in block.taken_out])
        if statuses["ok"] == crises:
            what = kind.record.__name__.lower()
            raise nothing_found(", ".join(paths), what, statuses.total(), first_reason)
    return CleanReport(
        ended=OutcomeCounts(rows=statuses.total(), filters=dict(filters), **statuses),
        crisis=crises,
        rules={name: n for name, n in sorted(rules.items()) if not name.startswith("filter.")},
    )


Placed = tuple[int, RowOutcome]


def _clean_rows(table: pa.Table, kind: CleanedKind, seen: SeenTexts) -> tuple[pa.StructArray, list[Placed]]:
    """The records of a block that were not there before, and how the rows of all of them ended."""
    records = column_of(table, kind.record)
    key = "text" if kind.record is not Dialogue else "id"
    new = seen.new(records.field(key).to_pylist())
    columns = (records.field(name).to_pylist() for name in ("id", "source", "row"))
    ends = []
    for at, (place, id_, source, row) in enumerate(zip(places_of(table, kind.record), *columns, strict=True)):
        origin = RowOrigin.at(kind.step, source, row)
        ends.append((place, origin.ok(id_) if new[at] else _repeat(origin, id_, _text(kind, records[at]))))
    return records.filter(pa.array(new, pa.bool_())), ends


def _crises(table: pa.Table, kind: CleanedKind, seen: SeenTexts) -> tuple[list[CrisisPost], list[Placed]]:
    """The same for the conversations that a person has to see first."""
    found = from_mixed(table, CrisisPost)
    new = seen.new([one.dialogue.id for one in found])
    ends = []
    for place, one, is_new in zip(places_of(table, CrisisPost), found, new, strict=True):
        talk = one.dialogue
        origin = RowOrigin.at(kind.step, talk.source, talk.row)
        text = "\n".join(message.content for message in talk.messages)
        ends.append((place, origin.ok(talk.id) if is_new else _repeat(origin, talk.id, text)))
    return [one for one, is_new in zip(found, new, strict=True) if is_new], ends


def _ended_before(table: pa.Table, kind: CleanedKind) -> Iterator[Placed]:
    """Rows that ended while they were read or cleaned, and the inputs."""
    yield from zip(places_of(table, RowOutcome), from_mixed(table, RowOutcome), strict=True)
    for place, bad in zip(places_of(table, Quarantined), from_mixed(table, Quarantined), strict=True):
        yield place, RowOrigin.at(kind.step, bad.source, bad.row).quarantined(bad.reason, bad.content)


def _text(kind: CleanedKind, record: pa.StructScalar) -> str:
    found = kind.record.model_validate(record.as_py())
    if isinstance(found, Dialogue):
        return "\n".join(message.content for message in found.messages)
    return str(record["text"])


def _repeat(origin: RowOrigin, keeper: str, text: str) -> RowOutcome:
    """Equal texts share an id: that of the record which stays."""
    return origin.repeated("repeat", keeper, "the same text as an earlier row, after cleaning", text)
