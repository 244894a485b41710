"""``psyche-rl decontaminate``: training files against evaluation sets, without a run and without Ray.

Role: reads each file, asks the index, writes what is kept in the file's own kind, and lists the matches.
Invariants:
- Kept JSONL lines and parquet rows are those of the input, unchanged and in order (of a row with several
  questions those that matched are cut out, except in parquet, where the row goes).
- The output folder appears whole or not at all.
- A row that cannot be read is not kept, but set aside and reported.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import fsspec
import pyarrow.parquet as pq

from data_pipeline.decontamination import ContaminationMatch, EvaluationIndex, read_sets, summary
from data_pipeline.decontamination.file_rows import records_of_row, without
from data_pipeline.decontamination.matches import RULES
from data_pipeline.decontamination.training_records import ComparedRecord, matches_in
from data_pipeline.ingest.file_kinds import kind_of, packing, unpacked
from data_pipeline.ingest.raw_row import Input, RawRow, bad_row
from data_pipeline.ingest.raw_rows import UNREAD, UNREADABLE, inputs, rows_of
from data_pipeline.ingest.row_layouts import FoundRow, rewritten
from data_pipeline.ingest.saved_datasets import DATASET, HUB
from psyche_rl.config.decontamination import DecontaminateConfig
from psyche_rl.errors import DataError
from psyche_rl.records import Quarantined
from psyche_rl.store.atomic import written_folder

STAGE = "decontaminate"


@dataclass
class FilesDecontaminated:
    """What a run of the command found."""

    matches: list[ContaminationMatch] = field(default_factory=list)
    bad: list[Quarantined] = field(default_factory=list)
    rows: int = 0
    records: int = 0
    report: dict[str, Any] = field(default_factory=dict)


def decontaminate_files(
    data: str, against: list[str], settings: DecontaminateConfig, out: Path | None
) -> FilesDecontaminated:
    """Compare ``data`` with the sets ``against`` and, if ``out`` is given, write there what is kept
    (``kept/``), ``matches.parquet``, ``quarantine.parquet`` and ``report.json``.

    Raises:
        DataError: a path is missing or unusable, or ``out`` holds something.
    """
    files = _files(os.path.expanduser(data))
    if out is not None:
        refuse_used(out)
    items, unread = read_sets(against)
    index, outcome = EvaluationIndex(items, settings, device=None), FilesDecontaminated(bad=unread)
    with written_folder(out) if out is not None else nullcontext() as folder:
        for file in files:
            _one_file(file, index, outcome, folder / "kept" if folder is not None else None)
        told = settings.model_dump(mode="json", exclude={"enabled", "against"})
        outcome.report = (
            summary(outcome.matches, {"record": outcome.records}, index.sets, told)
            | {
                "rows": outcome.rows,
                "unread": len(outcome.bad),
            }
            | index.told()
        )
        if out is not None and folder is not None:
            _write(outcome, folder)
            refuse_used(out)  # nor may it have come into use meanwhile
    return outcome


def refuse_used(out: Path) -> None:
    """Raises:
    DataError: ``out`` is a file or a folder that holds something.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out}: exists and is not an empty folder; give a new one with --out")


def _files(data: str) -> list[Input]:
    """What is there, files of kinds that are not read among it.

    Raises:
        DataError: there is nothing to read.
    """
    if "://" not in data and not Path(data).exists():
        raise DataError(f"{data}: no such file or folder; give training data (JSONL, parquet, exam JSON)")
    return [replace(found, alone=False) for found in inputs(data)]


def _one_file(found: Input, index: EvaluationIndex, outcome: FilesDecontaminated, kept: Path | None) -> None:
    name = found.source.split("/", 1)[1] if found.source != PurePath(found.path).name else found.source
    compared = partial(_kept_of, name, index, outcome)
    if kept is None or found.kind in (UNREAD, DATASET, HUB):
        rows = []
        for row in rows_of(found, STAGE):
            if isinstance(row, Quarantined):
                outcome.rows += 1
                outcome.bad.append(row.model_copy(update={"source": name}))
            elif (left := compared(FoundRow(row.row, row.value))) is not None:
                rows.append(left)
        if kept is not None and rows:  # a dataset, whose files are not ours to write
            lines = "".join(f"{json.dumps(row, ensure_ascii=False, default=str)}\n" for row in rows)
            (kept / f"{name}.jsonl").parent.mkdir(parents=True, exist_ok=True)
            (kept / f"{name}.jsonl").write_text(lines, "utf-8")
        return
    target, kind = kept / name, kind_of(found.file)
    target.parent.mkdir(parents=True, exist_ok=True)
    fs, _ = fsspec.core.url_to_fs(found.path)
    try:
        with fs.open(found.file, "rb") as file, target.open("wb") as out:
            packed = packing(out, kind)
            for piece in rewritten(unpacked(file, kind), found.kind, compared):
                packed.write(piece)
            if packed is not out:
                packed.close()
    except UNREADABLE as error:
        target.unlink()
        outcome.rows += 1
        why = f"the file cannot be read: {error}"
        outcome.bad.append(bad_row(STAGE, RawRow(name, 0, ""), why))


def _kept_of(
    name: str, index: EvaluationIndex, outcome: FilesDecontaminated, row: FoundRow
) -> dict[str, Any] | str | None:
    """What is left of a row without what matches; the outcome notes it."""
    outcome.rows += 1
    if row.fault is not None:
        outcome.bad.append(bad_row(STAGE, RawRow(name, row.number, row.text), row.fault))
        return None
    lost = row.document.missing if row.document else ()
    outcome.bad += [bad_row(STAGE, RawRow(name, part.part, part.text), part.reason) for part in lost]
    removed = set[int]()
    records = records_of_row(row.value)
    for place, (fragments, text) in enumerate(records):
        id_ = f"{name}:{row.number}" + (f":{place + 1}" if len(records) > 1 else "")
        ((_, found),) = matches_in([ComparedRecord(id_, "record", fragments, text)], index)
        outcome.matches += found
        outcome.records += 1
        if found:
            removed.add(place)
    left = without(row.value, removed)
    return left


def _write(outcome: FilesDecontaminated, folder: Path) -> None:
    pq.write_table(ContaminationMatch.to_table(outcome.matches), folder / "matches.parquet")
    pq.write_table(Quarantined.to_table(outcome.bad), folder / "quarantine.parquet")
    text = json.dumps(outcome.report, ensure_ascii=False, indent=1)
    (folder / "report.json").write_text(text, "utf-8")


def table_rows(outcome: FilesDecontaminated) -> Iterator[tuple[str, str, str, str, str, str]]:
    """(record, set, rule, part, score, item) of each match, the surest first."""
    for match in sorted(outcome.matches, key=lambda m: (RULES.index(m.rule), -m.score)):
        item = " ".join(match.item.split())[:60]
        yield match.record_id, match.evaluation_set, match.rule, match.part, f"{match.score:.2f}", item
