"""From a path to raw rows: which files there are, and what stands in them.

Reads txt, md, jsonl, json, parquet and yaml, one file or a folder of them, from any fsspec filesystem,
in the driver: a local path means the user's disk, which other nodes do not see.
Invariants: files come in the order of their names and rows in theirs, numbered from 1; the source of a
row is its path from the folder given, so that records do not depend on where the folder lies.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import fsspec
import pyarrow.parquet as pq
import yaml

from psyche_rl.errors import DataError
from psyche_rl.records import Quarantined

TEXT_SUFFIXES = (".txt", ".md")
ROW_SUFFIXES = (".jsonl", ".json", ".parquet", ".yaml", ".yml")
_TEXT_ABOUT_DATA = ("readme", "license", "licence", "changelog")


@dataclass(frozen=True)
class RawRow:
    """One row: a mapping, or the text of a whole text file."""

    source: str
    row: int
    value: dict[str, Any] | str


def read_rows(path: str, stage: str) -> Iterator[RawRow | Quarantined]:
    """The rows of a file or folder; what cannot be read is quarantined for ``stage``.

    Raises:
        DataError: the path is missing, holds no file of a known kind, or is one unreadable file.
    """
    fs, root = fsspec.core.url_to_fs(path)
    if not fs.exists(root):
        raise DataError(f"{path}: no such file or folder; correct the path in the config's data section")
    alone = not fs.isdir(root)
    files = [root] if alone else sorted(fs.find(root))
    parent = root.rstrip("/").rsplit("/", 1)[0]
    known = [file for file in files if alone or _is_data(file[len(root) :])]
    if not known or PurePosixPath(known[0]).suffix.lower() not in TEXT_SUFFIXES + ROW_SUFFIXES:
        kinds = ", ".join(s.removeprefix(".") for s in TEXT_SUFFIXES + ROW_SUFFIXES)
        raise DataError(f"{path}: no file of a known kind ({kinds}) is there")
    for file in known:
        source = " ".join(file[len(parent) + 1 :].split())
        try:
            content = fs.cat_file(file)
            rows = list(_file_rows(content, source, PurePosixPath(file).suffix.lower(), stage))
        except (ValueError, yaml.YAMLError, OSError) as error:
            if alone:
                raise DataError(f"{path}: cannot be read: {error}; repair or remove the file") from None
            rows = [bad_row(stage, RawRow(source, 0, ""), f"the file cannot be read: {error}")]
        yield from rows


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


def decode(content: bytes) -> str:
    """UTF-8, with or without a mark, else GB 18030.

    Raises:
        UnicodeDecodeError: it is neither.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030")


def _is_data(relative: str) -> bool:
    parts = PurePosixPath(relative).parts
    name = PurePosixPath(relative).name.lower()
    hidden = any(part.startswith((".", "_")) and part.strip(".") for part in parts[-1:])
    return (
        name.endswith(TEXT_SUFFIXES + ROW_SUFFIXES) and not hidden and not name.startswith(_TEXT_ABOUT_DATA)
    )


def _file_rows(content: bytes, source: str, suffix: str, stage: str) -> Iterator[RawRow | Quarantined]:
    if suffix in TEXT_SUFFIXES:
        yield RawRow(source, 1, decode(content))
    elif suffix == ".jsonl":
        for number, line in enumerate(decode(content).splitlines(), 1):
            if line.strip():
                yield _json_line(line, source, number, stage)
    elif suffix == ".parquet":
        for number, value in enumerate(pq.read_table(io.BytesIO(content)).to_pylist(), 1):
            yield RawRow(source, number, value)
    else:
        text = decode(content)
        tree = json.loads(text) if suffix == ".json" else yaml.safe_load(text)
        for number, value in enumerate(_rows_of_tree(tree), 1):
            row = RawRow(source, number, value)
            yield row if isinstance(value, dict | str) else bad_row(stage, row, "the row is not a mapping")


def _json_line(line: str, source: str, number: int, stage: str) -> RawRow | Quarantined:
    try:
        value = json.loads(line)
    except ValueError as error:
        return bad_row(stage, RawRow(source, number, line), f"not valid JSON: {error}")
    if not isinstance(value, dict | str):
        return bad_row(stage, RawRow(source, number, line), "the row is not a mapping")
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
