"""The three sets that a run publishes, each row with its way back to its source.

Role: joins the training sets with what they were made from.
Collaborators: ``licences``; the rows are those of ``select/*.parquet`` and ``synth/*.parquet``, taken as they
are, whatever columns a version adds.
Invariants:
- Only what selection put into a training set is published, so that nothing that an earlier stage removed
  comes back.
- Ids are those of the run.
- No question is in both sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_pipeline.publish.licences import Licences
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.questions.render import question_text
from psyche_rl.records import Question

PublishedRow = dict[str, Any]
QUESTION_FIELDS = tuple(Question.model_fields)


class LineageError(ValueError):
    """The sets and what they were made from do not fit together; the text says where."""


@dataclass(frozen=True)
class PublishedSets:
    """Rows of each set; every row has ``id``, ``source`` and ``licence``."""

    sft: list[PublishedRow]
    grpo: list[PublishedRow]
    dialogues: list[PublishedRow]

    def by_name(self) -> dict[str, list[PublishedRow]]:
        """Sets that hold something, in the order in which they are published."""
        named = {"sft": self.sft, "grpo": self.grpo, "dialogues": self.dialogues}
        return {name: rows for name, rows in named.items() if rows}


def published_sets(
    sft: Sequence[PublishedRow],
    grpo: Sequence[PublishedRow],
    questions: Sequence[PublishedRow],
    rationales: Sequence[PublishedRow],
    dialogues: Sequence[PublishedRow],
    passages: Sequence[PublishedRow],
    prompt: PromptConfig,
    licences: Licences,
) -> PublishedSets:
    """The sets, in the order of the run's own.

    Raises:
        LineageError: a row leads to nothing, or a question is in both sets.
    """
    both = {row["source_id"] for row in sft} & {row["id"] for row in grpo}
    if both:
        raise LineageError(f"{min(both)} is in both training sets")
    passage_of, question_of = _by_id(passages), _by_id(questions)
    dialogue_of = _by_id(dialogues)
    latest = _latest(rationales)

    def traced(question: Mapping[str, Any]) -> PublishedRow:
        passage = passage_of.get(question["passage_id"] or "", {})
        licence = licences.of(question["source"], passage.get("licence"))
        return {"passage_id": question["passage_id"], "source": question["source"], "licence": licence}

    def answered(dialogue: Mapping[str, Any]) -> PublishedRow:
        plain = dialogue_of.get(dialogue["source_id"] or "", {})
        stated = dialogue.get("licence") or plain.get("licence")
        return {"source": dialogue["source"], "licence": licences.of(dialogue["source"], stated)}

    rows_sft: list[PublishedRow] = []
    kept_dialogues: list[PublishedRow] = []
    for example in sft:
        row = {**example, "rationale_id": None, "passage_id": None, "prompt_version": None}
        if example["kind"] == "empathy":
            dialogue = _found(dialogue_of, example["source_id"])
            rows_sft.append(row | answered(dialogue))
            kept_dialogues.append({**dialogue, **answered(dialogue)})
        else:
            rationale = latest.get(example["source_id"], {})
            made = {
                "rationale_id": rationale.get("id"),
                "prompt_version": rationale.get("prompt_version"),
            }
            rows_sft.append(row | made | traced(_found(question_of, example["source_id"])))
    rows_grpo = [
        {**question, "prompt": question_text(_question(question), prompt), **traced(question)}
        for question in grpo
    ]
    return PublishedSets(rows_sft, rows_grpo, kept_dialogues)


def _found(rows: Mapping[str, PublishedRow], id_: str) -> PublishedRow:
    if id_ not in rows:
        raise LineageError(f"{id_} of the SFT set is in no file of synth")
    return rows[id_]


def _question(row: Mapping[str, Any]) -> Question:
    return Question.model_validate({k: v for k, v in row.items() if k in QUESTION_FIELDS})


def _by_id(rows: Sequence[PublishedRow]) -> dict[str, PublishedRow]:
    return {row["id"]: row for row in rows}


def _latest(rationales: Sequence[PublishedRow]) -> dict[str, PublishedRow]:
    """Question id -> its last accepted rationale, which is the one that selection trains on."""
    latest: dict[str, PublishedRow] = {}
    for rationale in rationales:
        known = latest.get(rationale["question_id"])
        if known is None or rationale["round"] >= known["round"]:
            latest[rationale["question_id"]] = rationale
    return latest
