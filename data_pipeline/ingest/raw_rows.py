"""From a path to raw rows: which files there are, and what stands in them.

Role: :func:`inputs` names what can be read one by one, on any process that sees it; :func:`rows_of` streams
the rows of one of them; :func:`read_rows` does both here.
Collaborators: ``documents`` for files that are one text, ``saved_datasets`` for Hugging Face datasets.
Invariants:
- Files come in the order of their names and rows in theirs, numbered from 1.
- The source of a row is its path from the folder given, so that records do not depend on where the folder
  lies.
- JSONL, parquet and datasets are never held in memory whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import fsspec
import pyarrow.parquet as pq
import yaml

from data_pipeline.ingest.document import Document
from data_pipeline.ingest.documents import DOCUMENT_SUFFIXES, decode, read_document
from data_pipeline.ingest.saved_datasets import DATASET, HUB, dataset_rows, is_hub_name, is_saved_dataset
from psyche_rl.errors import DataError
from psyche_rl.records import Quarantined

ROW_SUFFIXES = (".jsonl", ".json", ".parquet", ".yaml", ".yml")
_TEXT_ABOUT_DATA = ("readme", "license", "licence", "changelog")
_PARQUET_ROWS = 1000


@dataclass(frozen=True)
class Input:
    """One file or dataset. ``path`` is what was asked for, ``file`` the place on its filesystem;
    ``alone`` says that nothing else was asked for, so that its being unreadable is an error."""

    path: str
    file: str
    source: str
    kind: str
    alone: bool
    size: int = 0
    """Bytes of a file; unknown (0) for datasets."""


@dataclass(frozen=True)
class RawRow:
    """One row: a mapping, or the text of a whole text file with its structure."""

    source: str
    row: int
    value: dict[str, Any] | str
    document: Document | None = None
    licence: str | None = None


def read_rows(path: str, stage: str) -> Iterator[RawRow | Quarantined]:
    """The rows of a file, folder or dataset; what cannot be read is quarantined for ``stage``.

    Raises:
        DataError: the path is missing, holds no file of a known kind, or is one unreadable file.
    """
    for found in inputs(path):
        yield from rows_of(found, stage)


def inputs(path: str) -> list[Input]:
    """The files and datasets under a path.

    Raises:
        DataError: the path is missing or holds no file of a known kind.
    """
    if is_hub_name(path):
        return [Input(path, path, path, HUB, True)]
    fs, root = fsspec.core.url_to_fs(path)
    if not fs.exists(root):
        raise DataError(f"{path}: no such file or folder; correct the path in the config's data section")
    alone = not fs.isdir(root)
    parent = root.rstrip("/").rsplit("/", 1)[0]
    if not alone and is_saved_dataset(fs, root):
        return [Input(path, root, _source(root, parent), DATASET, True)]
    sizes = {root: 0} if alone else {f: about["size"] or 0 for f, about in fs.find(root, detail=True).items()}
    files = sorted(sizes)
    known = [file for file in files if alone or _is_data(file[len(root) :])]
    if not known or _suffix(known[0]) not in DOCUMENT_SUFFIXES + ROW_SUFFIXES:
        kinds = ", ".join(s.removeprefix(".") for s in DOCUMENT_SUFFIXES + ROW_SUFFIXES)
        raise DataError(f"{path}: no file of a known kind ({kinds}) is there")
    return [Input(path, file, _source(file, parent), _suffix(file), alone, sizes[file]) for file in known]


def rows_of(found: Input, stage: str) -> Iterator[RawRow | Quarantined]:
    """The rows of one input.

    Raises:
        DataError: it is unreadable and all there is.
    """
    row = 0
    try:
        for raw in _rows(found, stage):
            row = raw.row
            yield raw
    except (ValueError, yaml.YAMLError, OSError) as error:
        if found.alone and not row:
            raise DataError(f"{found.path}: cannot be read: {error}; repair or remove the file") from None
        yield bad_row(stage, RawRow(found.source, row, ""), f"the file cannot be read: {error}")


def bad_row(stage: str, row: RawRow, reason: str) -> Quarantined:
    """A raw row set aside."""
    content = (
        row.value if isinstance(row.value, str) else json.dumps(row.value, ensure_ascii=False, default=str)
    )
    return Quarantined(
        stage=stage,
        source=row.source,
        row=row.row,
        reason=" ".join(reason.split())[:300],
        content=content[:2000],
    )


def text_of(value: dict[str, Any], names: Iterable[str]) -> str | None:
    """The first of ``names`` that holds text."""
    for name in names:
        found = value.get(name)
        if isinstance(found, str) and found.strip():
            return found
    return None


def _source(file: str, parent: str) -> str:
    return " ".join(file.rstrip("/")[len(parent) + 1 :].split())


def _suffix(file: str) -> str:
    return PurePosixPath(file).suffix.lower()


def _is_data(relative: str) -> bool:
    parts = PurePosixPath(relative).parts
    name = PurePosixPath(relative).name.lower()
    hidden = any(part.startswith((".", "_")) and part.strip(".") for part in parts[-1:])
    return (
        name.endswith(DOCUMENT_SUFFIXES + ROW_SUFFIXES)
        and not hidden
        and not name.startswith(_TEXT_ABOUT_DATA)
    )


def _rows(found: Input, stage: str) -> Iterator[RawRow | Quarantined]:
    if found.kind in (DATASET, HUB):
        for source, number, value, licence in dataset_rows(found.kind, found.file, found.source):
            yield RawRow(source, number, value, licence=licence)
        return
    fs, _ = fsspec.core.url_to_fs(found.path)
    if found.kind in DOCUMENT_SUFFIXES:
        document = read_document(fs.cat_file(found.file), found.kind)
        yield RawRow(found.source, 1, document.text, document, document.licence)
    elif found.kind == ".jsonl":
        with fs.open(found.file, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _json_line(line, found.source, number, stage)
    elif found.kind == ".parquet":
        with fs.open(found.file, "rb") as file:
            number = 0
            for batch in pq.ParquetFile(file).iter_batches(_PARQUET_ROWS):
                for number, value in enumerate(batch.to_pylist(), number + 1):  # noqa: B020
                    yield RawRow(found.source, number, value)
    else:
        text = decode(fs.cat_file(found.file))
        tree = json.loads(text) if found.kind == ".json" else yaml.safe_load(text)
        for number, value in enumerate(_rows_of_tree(tree), 1):
            row = RawRow(found.source, number, value)
            yield row if isinstance(value, dict | str) else bad_row(stage, row, "the row is not a mapping")


def _json_line(line: bytes, source: str, number: int, stage: str) -> RawRow | Quarantined:
    try:
        text = decode(line)
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        shown = line.decode("utf-8", "replace").strip()
        return bad_row(stage, RawRow(source, number, shown), f"not valid JSON: {error}")
    if not isinstance(value, dict | str):
        return bad_row(stage, RawRow(source, number, text), "the row is not a mapping")
    return RawRow(source, number, value)


def _rows_of_tree(tree: Any) -> list[Any]:
    """A list of rows, the one list in a mapping, a mapping of ids to rows, or a single row."""
    if isinstance(tree, list):
        return tree
    if not isinstance(tree, dict):
        raise ValueError(f"holds {type(tree).__name__}, not rows")
    lists = [v for v in tree.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
    if len(lists) == 1 and len(tree) == 1:
        return lists[0]
    if tree and all(isinstance(value, dict) for value in tree.values()) and "options" not in tree:
        return list(tree.values())
    return [tree]
