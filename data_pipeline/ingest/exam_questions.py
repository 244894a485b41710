"""Exam questions as they are found: flat items, cases with several questions, essays, in many layouts.

Role: :func:`exam_rows` says what became of each item, :func:`ingest_questions` gives those that can be used.
Collaborators: ``exam_items`` finds items, ``exam_options`` and ``exam_keys`` read them, ``exam_copies`` knows
copies.
A choice question of a case keeps its kind (single or multiple) and carries the case; kind "case" is for those
that do not say.
Invariants:
- Every row ends in one or several :class:`ExamRow`, in the order of the rows.
- Golds and options are canonical (see ``question_rules``).
- An item that cannot be scored is set aside, never repaired by guessing; one that looks like a choice and has
  no options that can be read is set aside, never a short question.
- Of copies of a question one is used; if their keys differ, none, and the label audit is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from data_pipeline.cleaning.text_rules import clean_text
from data_pipeline.ingest.exam_copies import keys_in_doubt, same_question
from data_pipeline.ingest.exam_items import columns_of, items_of
from data_pipeline.ingest.exam_keys import NAMES, UnreadableKeyError, first_index, letters_of
from data_pipeline.ingest.exam_options import ItemOptions, options_in
from data_pipeline.ingest.raw_rows import RawRow, bad_row, read_rows, text_of
from data_pipeline.text.folding import fold
from data_pipeline.text.question_rules import canonical_gold, fault, split_mark
from psyche_rl.errors import DataError
from psyche_rl.records import Quarantined, Question, QuestionKind, content_id

STAGE = "ingest.questions"
STEMS = (
    "question", "stem", "query", "problem", "question_text", "prompt", "input", "instruction", "content",
)  # fmt: skip
_WHY = ("analysis", "explanation", "rationale", "reason")
_POINTS = re.compile(r"[（(]\s*\d+(?:\.\d+)?\s*分\s*[）)]")
_KINDS: tuple[tuple[re.Pattern[str], QuestionKind], ...] = (
    (re.compile(r"^(?:single|single[_ ]choice)$|单项|单选"), "single"),
    (re.compile(r"^(?:multi|multiple|multiple[_ ]answers?)$|多项|多选|不定项"), "multiple"),
    (re.compile(r"^case$"), "case"),
    (re.compile(r"^short$|简答|问答|论述|名词解释|填空"), "short"),
)

Prepare = Callable[[RawRow], RawRow | str]
ExamOutcome = Literal["ok", "repeat", "label_audit", "quarantined"]


@dataclass(frozen=True)
class ExamRow:
    """What became of one item of a row. ``question`` is None where none could be made of it.

    ``columns`` are those of the row and of the item in it, under the names that :func:`items_of` gives them.
    """

    source: str
    row: int
    outcome: ExamOutcome
    reason: str = ""
    question: Question | None = None
    stem: str = ""
    content: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class _Found:
    """An item before its key is read: the indices of a file are understood together."""

    row: RawRow
    place: int
    item: dict[str, Any]
    case: str | None
    stem: str
    marked: QuestionKind | None
    options: ItemOptions


@dataclass(frozen=True)
class ReadExam:
    """Questions, each once; the items that cannot be used; and, of those, the questions whose copies have
    different keys."""

    questions: tuple[Question, ...]
    quarantined: tuple[Quarantined, ...]
    doubtful: tuple[Question, ...]


def ingest_questions(path: str, follow_links: bool = False) -> tuple[list[Question], list[Quarantined]]:
    """Questions of a file or folder, each once, and the items that cannot be used.

    Raises:
        DataError: the path is missing or nothing in it is a question.
    """
    exam = read_exam(path, follow_links)
    return list(exam.questions), list(exam.quarantined)


def read_exam(path: str, follow_links: bool = False) -> ReadExam:
    """The exam in a file or folder.

    Raises:
        DataError: the path is missing or nothing in it is a question.
    """
    rows = list(exam_rows([path], follow_links))
    questions = [row.question for row in rows if row.outcome == "ok" and row.question is not None]
    bad = [
        bad_row(STAGE, RawRow(row.source, row.row, row.content), row.reason)
        for row in rows
        if row.outcome != "ok"
    ]
    if not questions:
        first = f"; the first reason: {bad[0].reason}" if bad else ""
        raise DataError(f"{path}: no exam question among {len(bad)} rows{first}")
    doubtful = [row.question for row in rows if row.outcome == "label_audit" and row.question is not None]
    return ReadExam(tuple(questions), tuple(bad), tuple(doubtful))


def exam_rows(
    paths: Iterable[str], follow_links: bool = False, prepare: Prepare = lambda row: row
) -> Iterator[ExamRow]:
    """What became of every item of every row of files and folders, in order.

    Args:
        prepare: puts what a row says under names that are known, or says why the row is not read.

    Raises:
        DataError: a path is missing or holds no file of a known kind.
    """
    rows_read = (row for path in paths for row in read_rows(path, STAGE, follow_links))
    read = [found for row in rows_read for found in _read(row, prepare)]
    firsts = _first_indices(read)
    rows = [each if isinstance(each, ExamRow) else _judged(each, firsts[each.row.source]) for each in read]
    doubtful = keys_in_doubt(row.question for row in rows if row.question is not None)
    kept: dict[Any, ExamRow] = {}
    for row in rows:
        if row.question is None:
            yield row
            continue
        same = same_question(row.question)
        first = kept.setdefault(same, row)
        if first is not row and first.question is not None:
            other = f" with the key {row.question.gold}" if same in doubtful else ""
            why = f"the same question as {first.question.id} in {first.source} row {first.row}{other}"
            yield replace(row, outcome="repeat", reason=why, question=_as_first(row.question, first.question))
        elif same in doubtful:
            yield replace(row, outcome="label_audit", reason="key in doubt: copies of it have other keys")
        else:
            yield row


def _as_first(question: Question, first: Question) -> Question:
    return question.model_copy(update={"id": first.id})


def _read(given: RawRow | Quarantined, prepare: Prepare) -> Iterator[_Found | ExamRow]:
    if isinstance(given, Quarantined):
        yield ExamRow(given.source, given.row, "quarantined", given.reason, content=given.content)
        return
    row = prepare(given)
    if isinstance(row, str):
        yield ExamRow(given.source, given.row, "quarantined", row, content=bad_row(STAGE, given, "").content)
        return
    for place, found in enumerate(items_of(row.value), 1):
        if isinstance(found, str):
            yield _set_aside(row, place, found)
            continue
        item, case = found
        raw_stem = text_of(item, STEMS)
        if raw_stem is None:
            yield _set_aside(row, place, f"no text under any of: {', '.join(STEMS)}")
            continue
        options = options_in(item, raw_stem)
        marked, stem = split_mark(raw_stem if isinstance(options, str) else options.stem or raw_stem)
        if isinstance(options, str):
            yield _set_aside(row, place, options, stem)
        else:
            yield _Found(row, place, item, case, stem, marked, options)


def _set_aside(row: RawRow, place: int, reason: str, stem: str = "") -> ExamRow:
    shown = bad_row(STAGE, row, reason)
    return ExamRow(
        row.source, row.row, "quarantined", f"item {place}: {reason}", stem=stem, content=shown.content
    )


def _first_indices(read: Iterable[_Found | ExamRow]) -> dict[str, int]:
    """Source -> what its indices count from."""
    keys: dict[str, list[tuple[Any, int]]] = {}
    for each in read:
        if isinstance(each, _Found):
            key = next((each.item[name] for name in NAMES if name in each.item), None)
            by_label = str(key) in each.options.labels
            keys.setdefault(each.row.source, []).append((None if by_label else key, len(each.options.texts)))
    return {source: first_index(found) for source, found in keys.items()}


def _judged(found: _Found, first: int) -> ExamRow:
    question = _question(found, first)
    if isinstance(question, str):
        return _set_aside(found.row, found.place, question, found.stem)
    content = bad_row(STAGE, found.row, "").content
    source, row, columns = found.row.source, found.row.row, columns_of(found.row.value, found.item)
    return ExamRow(source, row, "ok", "", question, found.stem, content, columns)


def _question(found: _Found, first: int) -> Question | str:
    item, case, stem, options = found.item, found.case, found.stem, found.options.texts
    kind = found.marked or _stated_kind(item, found.row.source)
    if options:
        try:
            gold = _key(found, first)
        except UnreadableKeyError as error:
            return str(error)
        if kind is None or kind == "short":
            kind = "case" if case else "multiple" if len(gold) > 1 else "single"
    else:
        answer = text_of(item, NAMES) or ""
        if choice := _looks_like_a_choice(found, answer, kind):
            return choice
        kind, gold = "short", _POINTS.sub("", fold(answer)).strip()
    why = fault(kind, stem, options, gold)
    if why:
        return "no key" if options and not gold else why
    return Question(
        id=content_id("question", kind, case or "", stem, *options, gold),
        kind=kind,
        stem=stem,
        options=options,
        gold=gold,
        case=case,
        source=found.row.source,
        explanation=clean_text(text_of(item, _WHY) or "") or None,
    )


def _key(found: _Found, first: int) -> str:
    """The letters that all fields with a key agree on; empty where there is none.

    Raises:
        UnreadableKeyError: none of them can be read, or two disagree.
    """
    read: dict[str, str] = {}
    unread: UnreadableKeyError | None = None
    for name in NAMES:
        try:
            letters = letters_of(found.item.get(name), found.options.texts, found.options.labels, first)
        except UnreadableKeyError as error:
            unread = unread or error
            continue
        if letters:
            read[name] = letters
    if len(set(read.values())) > 1:
        said = ", ".join(f"{name} says {letters}" for name, letters in read.items())
        raise UnreadableKeyError(f"two keys: {said}")
    if not read and unread is not None:
        raise unread
    return next(iter(read.values()), "")


def _looks_like_a_choice(found: _Found, answer: str, kind: QuestionKind | None) -> str | None:
    """Why an item without options is no short question."""
    without = "looks like a choice, but holds no options that can be read"
    if kind in ("single", "multiple"):
        return f"{without}: it is said to be {kind}"
    letters = canonical_gold(answer)
    if letters and len(answer.strip()) <= 2 * len(letters) + 1:
        return f"{without}: its key is {letters}"
    if any(isinstance(found.item.get(name), int) for name in NAMES):
        return f"{without}: its key is an index"
    return None


def _stated_kind(item: dict[str, Any], source: str) -> QuestionKind | None:
    """What the item says of its kind, else what the name of its file or folder says."""
    for name in ("question_type", "type", "kind"):
        said = str(item.get(name) or "").strip().lower()
        kind = next((kind for pattern, kind in _KINDS if pattern.search(said)), None)
        if kind:
            return kind
    if re.search(r"单选|单项|/single/", source):
        return "single"
    return "multiple" if re.search(r"多选|多项|/multiple/", source) else None
