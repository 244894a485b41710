"""Takes a stream of outcomes to files and says what became of every row.

Role: :func:`write_passages` and :func:`write_posts` are the calls for a stage: from paths to parquet files
in a run folder, in flat memory, with exact repeats left out on the way.
Files, for the name ``passages``: ``passages.parquet``, ``passages_filtered.parquet``,
``passages_quarantine.parquet``; for posts besides ``posts_crisis.parquet``, the
conversations that a person decides on.
Invariants: a file is absent or whole; ``CleanReport.rows`` is the sum of the ways in which rows ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from data_pipeline.cleaning.outcomes import CrisisPost, Filtered, Tally, total
from data_pipeline.cleaning.record_file import RecordFile
from data_pipeline.cleaning.seen import SeenTexts
from data_pipeline.cleaning.stream import stream_passages, stream_posts
from data_pipeline.ingest.passages import nothing_found
from data_pipeline.rows.mixed_records import from_outcomes
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.config.data import DataConfig
from psyche_rl.records import Dialogue, Passage, Quarantined, Record
from psyche_rl.store import RunStore

STAGE = "clean"


@dataclass(frozen=True)
class CleanReport:
    """What became of the rows; ``rules`` counts the texts that a rule changed and the hits of PII kinds."""

    ok: int
    filtered: dict[str, int]
    quarantined: int
    crisis: int
    rules: dict[str, int] = field(compare=False)

    @property
    def rows(self) -> int:
        """All rows that came in."""
        return self.ok + sum(self.filtered.values()) + self.quarantined + self.crisis

    def counts(self) -> dict[str, int]:
        """Flat, for the manifest: ok, filtered.<filter>, quarantined, crisis, rule.<rule>."""
        return {
            "rows": self.rows,
            "ok": self.ok,
            **{f"filtered.{name}": n for name, n in sorted(self.filtered.items())},
            "quarantined": self.quarantined,
            "crisis": self.crisis,
            **{f"rule.{name}": n for name, n in sorted(self.rules.items())},
        }


def write_passages(
    store: RunStore, folder: str, paths: Sequence[str], data: DataConfig, clean: CleanConfig
) -> CleanReport:
    """Clean passages of files, folders and datasets into ``folder`` of the store.

    Raises:
        DataError: a path is missing or nothing in the paths is a passage.
    """
    stream = stream_passages(paths, data, clean)
    return _write(store, f"{folder}/passages", paths, stream, Passage, lambda column: column.field("text"))


def write_posts(
    store: RunStore, folder: str, paths: Sequence[str], data: DataConfig, clean: CleanConfig
) -> CleanReport:
    """Clean posts with replies into ``folder`` of the store; crisis cues into a file of their own.

    Raises:
        DataError: a path is missing or nothing in the paths is a post with a reply.
    """
    stream = stream_posts(paths, data, clean)
    return _write(store, f"{folder}/posts", paths, stream, Dialogue, lambda column: column.field("id"))


def _write(
    store: RunStore,
    name: str,
    paths: Sequence[str],
    stream: Iterator[pa.Table],
    kind: type[Record],
    key: Callable[[pa.StructArray], pa.Array],
) -> CleanReport:
    """``key`` tells which column makes two records repeats of each other."""
    seen, ends, tallies = SeenTexts(), Counter[str](), list[Tally]()
    first_reason: str | None = None
    with ExitStack() as stack:
        files = {
            what: stack.enter_context(RecordFile(store, f"{name}{what}.parquet", of))
            for what, of in (("", kind), ("_filtered", Filtered), ("_quarantine", Quarantined))
        }
        crisis = RecordFile(store, f"{name}_crisis.parquet", CrisisPost)
        if kind is Dialogue:
            stack.enter_context(crisis)
        for table in stream:
            records = table.column(kind.__name__).combine_chunks().drop_null()
            new = pa.array(seen.new(key(records).to_pylist()), pa.bool_())
            files[""].write(records.filter(new))
            for_review, repeated = _new_crises(table, seen) if kind is Dialogue else ([], [])
            crisis.write_records(for_review)
            repeats = [kind.model_validate(row) for row in records.filter(pc.invert(new)).to_pylist()]
            filtered = from_outcomes(table, Filtered) + [_repeat(row) for row in [*repeats, *repeated]]
            files["_filtered"].write_records(filtered)
            set_aside = from_outcomes(table, Quarantined)
            files["_quarantine"].write_records(set_aside)
            reasons = [row.reason for row in set_aside] + [row.reason for row in filtered]
            first_reason = first_reason or next(iter(reasons), None)
            ends.update(ok=sum(new.to_pylist()), quarantined=len(set_aside), crisis=len(for_review))
            ends.update(f"filter.{row.filter}" for row in filtered)
            tallies += from_outcomes(table, Tally)
            tallies = [Tally(stage=STAGE, counts=dict(total(tallies)))]
        if not ends["ok"]:
            raise nothing_found(", ".join(paths), kind.__name__.lower(), ends.total(), first_reason)
    rules = {name: n for name, n in total(tallies).items() if not name.startswith("filter.")}
    return CleanReport(
        ok=ends["ok"],
        filtered={n.removeprefix("filter."): c for n, c in ends.items() if n.startswith("filter.")},
        quarantined=ends["quarantined"],
        crisis=ends["crisis"],
        rules=dict(sorted(rules.items())),
    )


def _new_crises(table: pa.Table, seen: SeenTexts) -> tuple[list[CrisisPost], list[Dialogue]]:
    """Those of a block that were not there before, and those that were."""
    found = from_outcomes(table, CrisisPost)
    new = seen.new([one.dialogue.id for one in found])
    pairs = list(zip(found, new, strict=True))
    return [one for one, is_new in pairs if is_new], [one.dialogue for one, is_new in pairs if not is_new]


def _repeat(row: Record) -> Filtered:
    if not isinstance(row, Passage | Dialogue):
        raise TypeError(f"{type(row).__name__} has no text to repeat")
    text = row.text if isinstance(row, Passage) else row.messages[0].content
    return Filtered(
        stage=STAGE,
        source=row.source,
        row=row.row,
        filter="repeat",
        reason="the same text as an earlier row, after cleaning",
        content=text[:200],
    )
