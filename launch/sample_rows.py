"""Rows, of a JSONL or parquet file or in memory, as the samples a reward scores.

A row holds the fields of ``RewardSample``, or is a row of a run's rollouts (``grpo/rollouts/*.parquet``),
whose options stand in the prompt. Bad rows are told apart, never fatal.
Collaborators: the commands ``psyche-rl rewards``, and ``launch.api``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from psyche_rl.errors import DataError
from psyche_rl.terminal.plain import echo
from rewards import RewardSample
from rewards.adapters.sample_fields import sample_of
from rewards.text.canonical import LETTERS


class BadRow(ValueError):
    """A row that is no sample; the text says why, in one line."""


def good_samples(file: str, **defaults: str) -> tuple[list[tuple[int, RewardSample]], int]:
    """The samples of a file with their rows, and the number of bad rows; each of those is told on stderr.

    Raises:
        DataError: the file cannot be read as JSONL or parquet.
    """
    rows, bad = list[tuple[int, RewardSample]](), 0
    for number, sample in samples_of(file, **defaults):
        if isinstance(sample, BadRow):
            bad += 1
            echo(f"{file}: row {number}: {sample}", err=True)
        else:
            rows.append((number, sample))
    if bad:
        echo(f"{file}: {bad} bad row{'s' if bad > 1 else ''} skipped", err=True)
    return rows, bad


def samples_of(path: str, **defaults: str) -> Iterator[tuple[int, RewardSample | BadRow]]:
    """Row number from 1, and the row's sample or what is wrong with it; blank lines are skipped.
    ``defaults`` are fields for rows that lack them.

    Raises:
        DataError: the file cannot be read as JSONL or parquet.
    """
    return samples_in(_rows(path), **defaults)


def samples_in(
    rows: Iterable[tuple[int, Mapping[str, Any] | BadRow]], **defaults: str
) -> Iterator[tuple[int, RewardSample | BadRow]]:
    """The same of numbered rows in memory."""
    for number, row in rows:
        if isinstance(row, BadRow):
            yield number, row
            continue
        try:
            fields = _of_rollout(row) if {"sample_id", "finish_reason"} <= row.keys() else row
            yield number, sample_of({"id": str(number), **defaults, **fields})
        except (ValueError, TypeError) as error:
            yield number, BadRow(" ".join(str(error).split()))


def _rows(path: str) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    if Path(path).suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(f"{path}: cannot be read as parquet ({error})") from None
        yield from enumerate(table.to_pylist(maps_as_pydicts="lossy"), 1)
        return
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise DataError(f"{path}: cannot be read ({why}); give a JSONL or parquet file") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, _parsed(line)


def _parsed(line: bytes) -> dict[str, Any] | BadRow:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return BadRow(f"not JSON in UTF-8 ({error})")
    return row if isinstance(row, dict) else BadRow(f"not an object but {type(row).__name__}")


def _of_rollout(row: Mapping[str, Any]) -> dict[str, Any]:
    prompt = str(row["prompt"])
    return {
        "id": row["sample_id"],
        "response": row["response"],
        "gold": row["gold"],
        "prompt": prompt,
        "options": _options_in(prompt),
        "truncated": row["finish_reason"] == "length",
        "response_tokens": row["response_length"],
    }


def _options_in(prompt: str) -> list[str]:
    """The last run of lines ``A.…``, ``B.…`` and so on."""
    options = list[str]()
    for line in prompt.splitlines():
        lettered = re.match(r"([A-Z])\.(.*)", line)
        if lettered and lettered[1] == "A":
            options = [lettered[2]]
        elif lettered and options and lettered[1] == LETTERS[len(options)]:
            options.append(lettered[2])
    return options
