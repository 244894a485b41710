"""What the sets of selection must satisfy before they are written, and the table of verdicts.

Pure. Invariants checked: no question is in both sets, none is in a set twice, and each leads back over its
passage or its post to the source it came from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import pyarrow as pa

from data_pipeline.answering.verdict import Verdicts, pass_rate
from psyche_rl.errors import RunFolderError
from psyche_rl.records import Dialogue, Passage, Question, SftExample

_REMEDY = "redo the run from there with --from synth"


def check_sets(
    grpo: Sequence[Question],
    sft: Sequence[SftExample],
    questions: Sequence[Question],
    dialogues: Sequence[Dialogue],
    passages: Sequence[Passage],
) -> None:
    """See that the sets are disjoint and that their records have a lineage.

    Raises:
        RunFolderError: a question is in both sets or twice in one, or its origin is missing.
    """
    reasoning = [e.source_id for e in sft if e.kind == "reasoning"]
    _once((q.id for q in grpo), "select/grpo.parquet")
    _once(reasoning, "select/sft.parquet")
    if both := sorted({q.id for q in grpo} & set(reasoning)):
        raise RunFolderError(
            f"select: question {both[0]} (and {len(both) - 1} more) would be in both the SFT and the GRPO "
            f"set; {_REMEDY}"
        )
    by_id = {q.id: q for q in questions}
    for id_ in reasoning:
        if id_ not in by_id:
            raise RunFolderError(
                f"select/sft.parquet: an example rests on question {id_}, which synth/questions.parquet "
                f"lacks; {_REMEDY}"
            )
    _lead_to_passages([*grpo, *(by_id[id_] for id_ in reasoning)], {p.id for p in passages})
    known = {d.id for d in dialogues}
    for example in sft:
        if example.kind == "empathy" and example.source_id not in known:
            raise RunFolderError(
                f"select/sft.parquet: an example rests on dialogue {example.source_id}, which "
                f"synth/dialogues.parquet lacks; {_REMEDY}"
            )


def verdict_table(
    questions: Sequence[Question], verdicts: Verdicts, sets: Mapping[str, Collection[str]]
) -> pa.Table:
    """One row a question: its share of right samples, what each selector answered, and the set it is in.

    ``sets``: name -> ids; a question in none of them is in set "none". Column ``answers`` holds, for each
    selector, its samples' answers in order with "-" for those that state none, as "qwen2: A AB -".
    """
    rows = []
    for question in questions:
        given = verdicts.get(question.id, ())
        selectors = list(dict.fromkeys(v.selector for v in given))
        each = {name: [v for v in given if v.selector == name] for name in selectors}
        rows.append(
            {
                "question_id": question.id,
                "kind": question.kind,
                "gold": question.gold,
                "pass_rate": pass_rate(given) if given else None,
                "right": [
                    f"{name}: {sum(v.correct for v in each[name])}/{len(each[name])}" for name in selectors
                ],
                "answers": [
                    f"{name}: " + " ".join(v.answer or "-" for v in each[name]) for name in selectors
                ],
                "set": next((name for name, ids in sets.items() if question.id in ids), "none"),
            }
        )
    text, texts = pa.string(), pa.list_(pa.string())
    fields = [
        ("question_id", text),
        ("kind", text),
        ("gold", text),
        ("pass_rate", pa.float64()),
        ("right", texts),
        ("answers", texts),
        ("set", text),
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def _once(ids: Iterable[str], rel: str) -> None:
    repeated = [id_ for id_, n in Counter(ids).items() if n > 1]
    if repeated:
        raise RunFolderError(f"{rel}: question {repeated[0]} would be in it more than once; {_REMEDY}")


def _lead_to_passages(questions: Iterable[Question], passages: Collection[str]) -> None:
    for question in questions:
        if question.passage_id is None or question.passage_id not in passages:
            raise RunFolderError(
                f"select: question {question.id} rests on passage {question.passage_id}, which "
                f"synth/passages.parquet lacks; {_REMEDY}"
            )
