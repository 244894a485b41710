"""Items of exams: the questions that ``exam_questions`` reads, put as the pipeline puts questions.

Invariants:
- Ids are those that ``psyche-rl exam`` prints.
- Questions on one case are one cluster; so are long stems that begin alike, since some exams write the case
  into each of its questions.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import Any

from data_pipeline.benchmarks.loaded_items import LeftOut, LoadedItems
from data_pipeline.benchmarks.parts import field_of, labelled, part_of, rule_of
from data_pipeline.ingest.exam_keys import NAMES
from data_pipeline.ingest.exam_questions import ExamRow, exam_rows
from data_pipeline.ingest.raw_row import RawRow, text_of
from data_pipeline.text.comparable import comparable
from data_pipeline.text.folding import fold
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_item import BenchmarkItem, KeyPoint
from psyche_rl.questions.render import question_text
from psyche_rl.records import Message, Question, content_id

_MARKS = re.compile(r"[（(]\s*(\d+(?:\.\d+)?)\s*分\s*[）)]")
LONG_STEM, OPENING = 200, 80
"""From how many characters on a stem may hold its case, and how many of them tell the case."""
OUTSIDE = "no part of the benchmark takes it"
SOURCE_IDS = ("id", "qid", "question_id", "index")


def exam_items(benchmark: Benchmark, path: str) -> LoadedItems:
    """The items of a file or folder.

    Raises:
        DataError: the path is missing, or holds no file of a known kind.
    """
    items: list[BenchmarkItem] = []
    left: list[LeftOut] = []
    for row in exam_rows([path], prepare=lambda raw: _prepared(benchmark, raw)):
        found = _item(benchmark, row)
        if isinstance(found, LeftOut):
            left.append(found)
        else:
            items.append(found)
    return LoadedItems(benchmark, tuple(items), tuple(left))


def question_item(
    benchmark: Benchmark, question: Question, part: str, row: int = 0, columns: dict[str, Any] | None = None
) -> BenchmarkItem:
    """A question as an item."""
    columns = columns or {}
    raw_key = text_of(columns, NAMES) or question.gold
    source_id = next((str(columns[name]) for name in SOURCE_IDS if columns.get(name) is not None), None)
    group = _hashed("group", question.case) if question.case else None
    return BenchmarkItem(
        id=question.id,
        part=part,
        kind=question.kind,
        subject=field_of(benchmark.subject, question.source, columns),
        level=field_of(benchmark.level, question.source, columns),
        cluster=_cluster(question),
        group=group if part in benchmark.group else None,
        messages=_messages(benchmark, question),
        stem=question.stem,
        options=question.options,
        gold=question.gold,
        key_points=() if question.options else key_points(raw_key),
        source=question.source,
        row=row,
        source_id=source_id,
    )


def key_points(answer: str) -> tuple[KeyPoint, ...]:
    """The points of a model answer that carry marks: what stands before each （2分）, to the mark before it.

    >>> key_points("1）躯体疾病。（2分）2）情绪反应（1.5分）")
    (KeyPoint(text='1）躯体疾病。', marks=2.0), KeyPoint(text='2）情绪反应', marks=1.5))
    """
    pieces = _MARKS.split(fold(answer))
    pairs = zip(pieces[0::2], pieces[1::2], strict=False)
    said = ((re.sub(r"^[\s，,、；;。.：:]+", "", text).strip(), float(marks)) for text, marks in pairs)
    return tuple(KeyPoint(text=text, marks=marks) for text, marks in said if text and marks > 0)


def _item(benchmark: Benchmark, row: ExamRow) -> BenchmarkItem | LeftOut:
    question = row.question
    part = None
    if question is not None:
        part = part_of(benchmark, row.source, question.kind, question.gold, row.columns)
    elif benchmark.parts:
        rule = rule_of(benchmark, row.source, row.columns)
        part = rule.name if rule else None
    if benchmark.parts and part is None:
        return LeftOut(row.source, row.row, None, "outside", OUTSIDE, question.id if question else None)
    if row.outcome != "ok" or question is None:
        outcome = "quarantined" if row.outcome == "ok" else row.outcome
        return LeftOut(row.source, row.row, part, outcome, row.reason, question.id if question else None)
    if benchmark.unkeyed:
        question = _without_key(question)
    return question_item(benchmark, question, part or question.kind, row.row, dict(row.columns))


def _prepared(benchmark: Benchmark, row: RawRow) -> RawRow | str:
    """A row under the names that are known, with what its part asks of all rows. Files that no part takes are
    not read, so that a question is no repeat of one in another split."""
    if benchmark.parts and not any(re.search(rule.source, row.source) for rule in benchmark.parts):
        return OUTSIDE
    if not isinstance(row.value, dict):
        return row
    value = {benchmark.columns.get(name, name): held for name, held in row.value.items()}
    rule = rule_of(benchmark, row.source, value)
    if rule is not None and rule.asks:
        text = value.pop("question", None) or value.pop("query", None)
        value |= {"question": rule.asks, "case": text}
    if rule is not None and rule.lettered:
        value |= {"options": list(rule.lettered)}
    key = next((str(value[name]) for name in NAMES if value.get(name) is not None), "")
    if rule is not None and (letters := labelled(rule, key)):
        value = {name: held for name, held in value.items() if name not in NAMES} | {"answer": letters}
    if benchmark.unkeyed:  # a key is what makes a question; it is taken away again
        value = {name: held for name, held in value.items() if name not in NAMES} | {"answer": "A"}
    return replace(row, value=value)


def _without_key(question: Question) -> Question:
    said = (question.kind, question.case or "", question.stem, *question.options, "")
    return question.model_copy(update={"gold": "", "id": content_id("question", *said)})


def _messages(benchmark: Benchmark, question: Question) -> tuple[Message, ...]:
    user = Message(role="user", content=question_text(question, benchmark.prompt))
    return (Message(role="system", content=benchmark.system), user) if benchmark.system else (user,)


def _cluster(question: Question) -> str:
    if question.case:
        return _hashed("case", comparable(question.case))
    if len(question.stem) >= LONG_STEM:
        return _hashed("case", comparable(question.stem)[:OPENING])
    return question.id


def _hashed(prefix: str, text: str | None) -> str:
    return f"{prefix}-{hashlib.sha256((text or '').encode()).hexdigest()[:16]}"
