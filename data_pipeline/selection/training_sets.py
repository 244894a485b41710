"""What the sets of selection must satisfy before they are written, and the table of verdicts.

Pure. Invariants checked: no question is in both sets, none is in a set twice, and each leads back over its
passage or its post to the source it came from.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from data_pipeline.answering.verdict import Verdicts, pass_rate
from data_pipeline.rows.id_bag import IdBag
from psyche_rl.errors import RunFolderError
from psyche_rl.records import Dialogue, Passage, Question, SftExample, Verdict
from psyche_rl.store.digests import DigestSet, digest64
from psyche_rl.store.record_file import AT_ONCE
from psyche_rl.store.stored_records import one_field

_REMEDY = "redo the run from there with --from synth"


def check_sets(
    grpo: Collection[Question],
    sft: Collection[SftExample],
    questions: Collection[Question],
    dialogues: Collection[Dialogue],
    passages: Collection[Passage],
) -> None:
    """See that the sets are disjoint and that their records have a lineage.

    Raises:
        RunFolderError: a question is in both sets or twice in one, or its origin is missing.
    """
    hard = DigestSet(one_field(grpo, "id"))
    _once(one_field(grpo, "id"), "select/grpo.parquet")
    _once(_reasoning(sft), "select/sft.parquet")
    if both := sorted(id_ for id_ in _reasoning(sft) if id_ in hard):
        raise RunFolderError(
            f"select: question {both[0]} (and {len(both) - 1} more) would be in both the SFT and the GRPO "
            f"set; {_REMEDY}"
        )
    known = DigestSet(one_field(questions, "id"))
    for id_ in _reasoning(sft):
        if id_ not in known:
            raise RunFolderError(
                f"select/sft.parquet: an example rests on question {id_}, which synth/questions.parquet "
                f"lacks; {_REMEDY}"
            )
    imitated = DigestSet(_reasoning(sft))
    sources = DigestSet(one_field(passages, "id"))
    _lead_to_passages(grpo, sources)
    _lead_to_passages((q for q in questions if q.id in imitated), sources)
    talks = DigestSet(one_field(dialogues, "id"))
    for example in sft:
        if example.kind == "empathy" and example.source_id not in talks:
            raise RunFolderError(
                f"select/sft.parquet: an example rests on dialogue {example.source_id}, which "
                f"synth/dialogues.parquet lacks; {_REMEDY}"
            )


def _reasoning(sft: Iterable[SftExample]) -> Iterator[str]:
    """The questions that are imitated."""
    return (example.source_id for example in sft if example.kind == "reasoning")


_TEXT, _TEXTS = pa.string(), pa.list_(pa.string())
VERDICT_TABLE = pa.schema(
    [
        ("question_id", _TEXT),
        ("kind", _TEXT),
        ("gold", _TEXT),
        ("pass_rate", pa.float64()),
        ("right", _TEXTS),
        ("answers", _TEXTS),
        ("set", _TEXT),
    ]
)


def verdict_tables(
    questions: Iterable[Question], verdicts: Verdicts, sets: Mapping[str, Container[str]]
) -> Iterator[pa.Table]:
    """One row a question, some at a time: its share of right samples, what each selector answered, and the
    set it is in.

    ``sets``: name -> ids; a question in none of them is in set "none". Column ``answers`` holds, for each
    selector, its samples' answers in order with "-" for those that state none, as "qwen2: A AB -".
    """
    rows: list[dict[str, Any]] = []
    for question in questions:
        rows.append(_verdict_row(question, verdicts.get(question.id, ()), sets))
        if len(rows) == AT_ONCE:
            yield pa.Table.from_pylist(rows, schema=VERDICT_TABLE)
            rows.clear()
    yield pa.Table.from_pylist(rows, schema=VERDICT_TABLE)


def _verdict_row(
    question: Question, given: Sequence[Verdict], sets: Mapping[str, Container[str]]
) -> dict[str, Any]:
    selectors = list(dict.fromkeys(v.selector for v in given))
    each = {name: [v for v in given if v.selector == name] for name in selectors}
    return {
        "question_id": question.id,
        "kind": question.kind,
        "gold": question.gold,
        "pass_rate": pass_rate(given) if given else None,
        "right": [f"{name}: {sum(v.correct for v in each[name])}/{len(each[name])}" for name in selectors],
        "answers": [f"{name}: " + " ".join(v.answer or "-" for v in each[name]) for name in selectors],
        "set": next((name for name, ids in sets.items() if question.id in ids), "none"),
    }


def _once(ids: Iterable[str], rel: str) -> None:
    found = IdBag(ids, texts=True)
    digests, counts = np.unique(np.array(found.digests, np.uint64), return_counts=True)
    repeated = set(digests[counts > 1].tolist())
    if repeated:
        first = next(id_ for id_ in found if digest64(id_) in repeated)
        raise RunFolderError(f"{rel}: question {first} would be in it more than once; {_REMEDY}")


def _lead_to_passages(questions: Iterable[Question], passages: Container[str]) -> None:
    for question in questions:
        if question.passage_id is None or question.passage_id not in passages:
            raise RunFolderError(
                f"select: question {question.id} rests on passage {question.passage_id}, which "
                f"synth/passages.parquet lacks; {_REMEDY}"
            )
