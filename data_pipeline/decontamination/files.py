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
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from data_pipeline.decontamination import ContaminationMatch, EvaluationIndex, read_sets, summary
from data_pipeline.decontamination.file_rows import records_of_row, without
from data_pipeline.decontamination.training_records import matches_of
from data_pipeline.ingest.documents import decode
from data_pipeline.ingest.raw_rows import ROW_SUFFIXES, read_rows
from psyche_rl.config.decontamination import DecontaminateConfig
from psyche_rl.errors import DataError
from psyche_rl.records import Quarantined
from psyche_rl.store.atomic import written_folder

STAGE = "decontaminate"
TEXT_SUFFIXES = (".txt", ".md")  # written back as they are; other documents are not training data


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
    root = Path(data).expanduser()
    files = _files(root)
    if out is not None:
        refuse_used(out)
    items, unread = read_sets(against)
    index, outcome = EvaluationIndex(items, settings), FilesDecontaminated(bad=unread)
    with written_folder(out) if out is not None else nullcontext() as folder:
        for file in files:
            _one_file(file, root, index, outcome, folder / "kept" if folder is not None else None)
        told = settings.model_dump(mode="json", exclude={"enabled", "against"})
        outcome.report = summary(outcome.matches, {"record": outcome.records}, index.sets, told) | {
            "rows": outcome.rows,
            "unread": len(outcome.bad),
        }
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


def _files(root: Path) -> list[Path]:
    if root.is_dir():
        found = [p for p in sorted(root.rglob("*")) if p.is_file() and p.suffix.lower() in ROW_SUFFIXES]
        if not found:
            kinds = ", ".join(s.removeprefix(".") for s in ROW_SUFFIXES)
            raise DataError(f"{root}: no file of a known kind ({kinds}) is there")
        return found
    if not root.exists():
        raise DataError(f"{root}: no such file or folder; give training data (JSONL, parquet, exam JSON)")
    if root.suffix.lower() not in ROW_SUFFIXES + TEXT_SUFFIXES:
        raise DataError(f"{root}: not JSONL, JSON, YAML, parquet or text")
    return [root]


def _one_file(
    file: Path, root: Path, index: EvaluationIndex, outcome: FilesDecontaminated, kept: Path | None
) -> None:
    name = file.name if file == root else str(file.relative_to(root))
    rows: dict[int, Any] = {}
    cut: set[int] = set()
    for row in read_rows(str(file), STAGE):
        outcome.rows += 1
        if isinstance(row, Quarantined):
            outcome.bad.append(row.model_copy(update={"source": name}))
            continue
        removed = set[int]()
        records = records_of_row(row.value)
        for place, (fragments, text) in enumerate(records):
            id_ = f"{name}:{row.row}" + (f":{place + 1}" if len(records) > 1 else "")
            found = list(matches_of(id_, "record", fragments, index, text))
            outcome.matches += found
            outcome.records += 1
            if found:
                removed.add(place)
        rest = without(row.value, removed)
        if rest is not None and not (removed and file.suffix.lower() == ".parquet"):
            rows[row.row] = rest
            if removed:
                cut.add(row.row)
    if kept is not None:
        target = kept / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_kept(file, target, rows, cut)


def _write_kept(file: Path, target: Path, rows: dict[int, Any], cut: set[int]) -> None:
    suffix = file.suffix.lower()
    if suffix == ".parquet":
        table = pq.read_table(file)
        pq.write_table(table.take([number - 1 for number in rows]), target)
    elif suffix == ".jsonl":
        lines = [line.removesuffix("\r") for line in decode(file.read_bytes()).split("\n")]
        whole = [_line(row) if number in cut else lines[number - 1] for number, row in rows.items()]
        target.write_text("".join(f"{line}\n" for line in whole), "utf-8")
    elif suffix in TEXT_SUFFIXES:
        target.write_bytes(file.read_bytes() if rows else b"")
    elif suffix == ".json":
        target.write_text(json.dumps(list(rows.values()), ensure_ascii=False, indent=1), "utf-8")
    else:
        target.write_text(yaml.safe_dump(list(rows.values()), allow_unicode=True, sort_keys=False), "utf-8")


def _line(row: Any) -> str:
    return json.dumps(row, ensure_ascii=False)


def _write(outcome: FilesDecontaminated, folder: Path) -> None:
    pq.write_table(ContaminationMatch.to_table(outcome.matches), folder / "matches.parquet")
    pq.write_table(Quarantined.to_table(outcome.bad), folder / "quarantine.parquet")
    text = json.dumps(outcome.report, ensure_ascii=False, indent=1)
    (folder / "report.json").write_text(text, "utf-8")


def table_rows(outcome: FilesDecontaminated) -> Iterator[tuple[str, str, str, str, str, str]]:
    """(record, set, rule, part, score, item) of each match, the surest first."""
    order = {"exact": 0, "ngram": 1, "minhash": 2}
    for match in sorted(outcome.matches, key=lambda m: (order[m.rule], -m.score)):
        item = " ".join(match.item.split())[:60]
        yield match.record_id, match.evaluation_set, match.rule, match.part, f"{match.score:.2f}", item
