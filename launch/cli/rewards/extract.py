"""``psyche-rl rewards extract``: what extraction reads in each row of a JSONL file.

A row is ``{"text": …, "options": …, "stem": …}``, with the option texts as a list or by letter; options and
stem may be left out. Its other fields, and the stem, are passed through. Bad rows are named and counted,
never fatal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from psyche_rl.errors import DataError
from psyche_rl.terminal.plain import echo


def extract(
    file: Annotated[
        str, typer.Argument(help='rows {"text", "options", "stem"}; - for stdin', metavar="FILE.jsonl")
    ],
) -> None:
    """Print letters, span and rule for each row; exit 1 if rows were bad, 2 if the file cannot be read."""
    bad = 0
    with opened(file) as lines:
        for number, result in extracted(lines):
            if isinstance(result, NotAReply):
                bad += 1
                echo(f"{file}: row {number}: {result}", err=True)
            else:
                echo(json.dumps(result, ensure_ascii=False))
    if bad:
        echo(f"{file}: {bad} bad row{'s' if bad > 1 else ''} skipped", err=True)
        raise typer.Exit(1)


class NotAReply(ValueError):
    """A row that is not ``{"text": str, "options": [str, …], "stem": str}``, or with options by letter."""


def opened(path: str) -> AbstractContextManager[BinaryIO]:
    """The file, or standard input for ``-``. Raises DataError where it cannot be read."""
    if path == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(path).open("rb")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise DataError(f"{path}: cannot be read ({why}); give a JSONL file, or - for stdin") from None


def extracted(lines: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Any] | NotAReply]]:
    """Row number from 1, and the row's result or what is wrong with it; blank lines are skipped."""
    from rewards.extraction import extract_answer

    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            text, options, others = _parsed(line)
        except NotAReply as error:
            yield number, error
            continue
        found = extract_answer(text, options, others.get("stem"))
        yield number, {**others, "letters": found.letters, "span": found.span, "rule": found.rule}


def _parsed(line: bytes) -> tuple[str, tuple[str, ...], dict[str, Any]]:
    from rewards.extraction import option_texts

    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise NotAReply(f"not JSON in UTF-8 ({error})") from None
    if not isinstance(row, dict):
        raise NotAReply(f"not an object but {type(row).__name__}")
    if "text" not in row:
        raise NotAReply("has no 'text'")
    text, options = row.pop("text"), row.pop("options", None)
    if not isinstance(text, str):
        raise NotAReply(f"'text' is not a string but {type(text).__name__}")
    if not isinstance(row.get("stem", ""), str | None):
        raise NotAReply(f"'stem' is not a string but {type(row['stem']).__name__}")
    options = [] if options is None else options
    texts = options.values() if isinstance(options, dict) else options
    if not isinstance(options, list | dict) or not all(isinstance(option, str) for option in texts):
        raise NotAReply("'options' is not a list of strings, nor one for each letter")
    try:
        return text, option_texts(options), row
    except ValueError as error:
        raise NotAReply(str(error)) from None
