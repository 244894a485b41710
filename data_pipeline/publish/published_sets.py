"""The three sets that a run publishes, each row with its way back to its source.

Role: joins the training sets with what they were made from.
Collaborators: ``licences``; the records are those of ``select/*.parquet`` and ``synth/*.parquet``, which stay
in their files.
Invariants:
- Only what selection put into a training set is published, so that nothing that an earlier stage removed
  comes back.
- Ids are those of the run.
- No question is in both sets.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from data_pipeline.publish.licences import Licences
from data_pipeline.selection.sft_examples import last_round
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.questions.render import question_text
from psyche_rl.records import Dialogue, Passage, Question, Rationale, Record, SftExample
from psyche_rl.store import RunStore
from psyche_rl.store.by_key import by_key
from psyche_rl.store.digests import DigestSet
from psyche_rl.store.parquet_rows import ParquetRows
from psyche_rl.store.record_file import AT_ONCE, TableFile
from psyche_rl.store.stored_records import Mapped, one_field, where

R = TypeVar("R", bound=Record)
PublishedRow = dict[str, Any]
_TEXT = pa.string()
_SFT = (("rationale_id", _TEXT), ("passage_id", _TEXT), ("prompt_version", _TEXT), ("source", _TEXT),
        ("licence", _TEXT))  # fmt: skip


class LineageError(ValueError):
    """The sets and what they were made from do not fit together; the text says where."""


@dataclass(frozen=True)
class PublishedSet:
    """The rows of one set, made or read anew each time they are gone through; all have ``id``, ``source`` and
    ``licence``."""

    schema: pa.Schema
    rows: Collection[PublishedRow]

    def written(self, store: RunStore, rel: str, see: Callable[[PublishedRow], None]) -> PublishedSet:
        """The same out of a parquet file, which it is written to; ``see`` gets each row on the way."""
        with TableFile(store, rel, self.schema) as file:
            block: list[PublishedRow] = []
            for row in self.rows:
                see(row)
                block.append(row)
                if len(block) == AT_ONCE:
                    file.write_table(pa.Table.from_pylist(block, schema=self.schema))
                    block = []
            file.write_table(pa.Table.from_pylist(block, schema=self.schema))
        return PublishedSet(self.schema, ParquetRows(store, rel))


@dataclass(frozen=True)
class PublishedSets:
    """The three sets."""

    sft: PublishedSet
    grpo: PublishedSet
    dialogues: PublishedSet

    def by_name(self) -> dict[str, PublishedSet]:
        """Sets that hold something, in the order in which they are published."""
        named = {"sft": self.sft, "grpo": self.grpo, "dialogues": self.dialogues}
        return {name: found for name, found in named.items() if len(found.rows)}


@dataclass(frozen=True)
class TrainingSets:
    """What selection chose, and what that was made from."""

    sft: Collection[SftExample]
    grpo: Collection[Question]
    questions: Collection[Question]
    rationales: Collection[Rationale]
    dialogues: Collection[Dialogue]
    passages: Collection[Passage]


def published_sets(run: TrainingSets, prompt: PromptConfig, licences: Licences) -> PublishedSets:
    """The sets, in the order of the run's own.

    Raises:
        LineageError: a row leads to nothing, or a question is in both sets; some are told while the rows are
            gone through.
    """
    hard = DigestSet(one_field(run.grpo, "id"))
    both = [id_ for id_ in one_field(run.sft, "source_id") if id_ in hard]
    if both:
        raise LineageError(f"{min(both)} is in both training sets")
    lineage = _Lineage(run, licences)
    empathy = where(run.sft, (kind == "empathy" for kind in one_field(run.sft, "kind")))

    def asked(question: Question) -> PublishedRow:
        text = question_text(question, prompt)
        return {**question.model_dump(), "prompt": text, **lineage.of_question(question)}

    return PublishedSets(
        sft=PublishedSet(_with(SftExample, _SFT), Mapped(run.sft, lineage.of_example)),
        grpo=PublishedSet(_with(Question, (("prompt", _TEXT), ("licence", _TEXT))), Mapped(run.grpo, asked)),
        dialogues=PublishedSet(_with(Dialogue, ()), Mapped(empathy, lineage.of_dialogue)),
    )


class _Lineage:
    """The way from a record back to its source."""

    def __init__(self, run: TrainingSets, licences: Licences) -> None:
        self._passages, self._questions = by_key(run.passages), by_key(run.questions)
        self._dialogues, self._latest = by_key(run.dialogues), last_round(run.rationales)
        self._licences = licences

    def of_question(self, question: Question) -> PublishedRow:
        """Passage, source and licence."""
        passage = self._passages.get(question.passage_id or "")
        licence = self._licences.of(question.source, passage.licence if passage else None)
        return {"passage_id": question.passage_id, "source": question.source, "licence": licence}

    def of_example(self, example: SftExample) -> PublishedRow:
        """A row of the SFT set."""
        row = {**example.model_dump(), "rationale_id": None, "passage_id": None, "prompt_version": None}
        if example.kind == "empathy":
            return row | self._answered(_found(self._dialogues, example.source_id))
        rationale = self._latest.get(example.source_id)
        made = {
            "rationale_id": rationale.id if rationale else None,
            "prompt_version": rationale.prompt_version if rationale else None,
        }
        return row | made | self.of_question(_found(self._questions, example.source_id))

    def of_dialogue(self, example: SftExample) -> PublishedRow:
        """The dialogue that an example imitates."""
        dialogue = _found(self._dialogues, example.source_id)
        return {**dialogue.model_dump(), **self._answered(dialogue)}

    def _answered(self, dialogue: Dialogue) -> PublishedRow:
        plain = self._dialogues.get(dialogue.source_id or "")
        stated = dialogue.licence or (plain.licence if plain else None)
        return {"source": dialogue.source, "licence": self._licences.of(dialogue.source, stated)}


def _found(records: Mapping[str, R], id_: str) -> R:
    record = records.get(id_)
    if record is None:
        raise LineageError(f"{id_} of the SFT set is in no file of synth")
    return record


def _with(kind: type[Record], more: Iterable[tuple[str, pa.DataType]]) -> pa.Schema:
    """The columns of a record and some more, all of which may be empty, so that the files of several runs fit
    together."""
    fields = [pa.field(field.name, _may_be_empty(field.type)) for field in kind.arrow_schema()]
    return pa.schema([*fields, *(pa.field(name, type_) for name, type_ in more)])


def _may_be_empty(type_: pa.DataType) -> pa.DataType:
    """The type, with whatever is in it."""
    if pa.types.is_list(type_):
        return pa.list_(_may_be_empty(type_.value_type))
    if pa.types.is_struct(type_):
        return pa.struct([pa.field(field.name, _may_be_empty(field.type)) for field in type_])
    return type_
