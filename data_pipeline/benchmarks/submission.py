"""CPsyExam's submission file: the letters that were read, by subject, as the authors' scorer wants them.

``{"zero_shot": {"KG-GEE-发展心理学-单项选择题": [{"question_id", "prediction"}]}, "five_shot": {}}``: the
subjects are the names of the files, ids those of the file or, where it gives none, places of rows from 0.
Source: ``evaluations/merge_answers.py`` and ``evaluate_submission.py`` of the authors' repository. A reply
without an answer is an empty prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.evaluation.item_result import ItemResult


def submission(items: Sequence[BenchmarkItem], results: Sequence[ItemResult]) -> dict[str, Any]:
    """The file's content, zero-shot; of several replies to an item the first counts."""
    answers: dict[str, str] = {}
    for row in results:
        answers.setdefault(row.item, row.answer or "")
    by_subject: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        if item.id in answers:
            entry = {"question_id": item.source_id or str(item.row - 1), "prediction": answers[item.id]}
            by_subject.setdefault(PurePosixPath(item.source).stem, []).append(entry)
    return {"zero_shot": by_subject, "five_shot": {}}
