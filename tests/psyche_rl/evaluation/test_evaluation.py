"""Grading and summarising an exam, and the bootstrap interval."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.errors import DataError
from psyche_rl.evaluation import ExamReply, GradedAnswer, bootstrap_interval, grade, summarise
from psyche_rl.records import Question

OPTIONS = ("内隐记忆", "外显记忆", "感觉记忆", "工作记忆")


def question(id, kind="single", gold="B"):
    return Question(id=id, kind=kind, stem="?", options=OPTIONS, gold=gold, source="test")


def exam():
    good, bare, wrong = "<think>x</think>答案：B", "答案：AC", "<think>x</think>答案：A"
    return grade(
        [
            ExamReply(question("1"), good, "stop", 10),
            ExamReply(question("2", "multiple", "AC"), bare, "stop", 4),
            ExamReply(question("3", "multiple", "AC"), wrong, "length", 16),
            ExamReply(question("4", "short", "要点"), "随便", "stop", 3),
        ]
    )


def test_replies_become_rows():
    graded = exam()
    assert graded.skipped == 1
    assert [(r.question_id, r.answer, r.correct, r.format_ok) for r in graded.rows] == [
        ("1", "B", True, True),
        ("2", "AC", True, False),
        ("3", "A", False, False),
    ]
    assert GradedAnswer.from_table(GradedAnswer.to_table(graded.rows)) == list(graded.rows)


def test_summary_by_hand():
    graded = exam()
    figures = summarise(graded.rows, 0.95, 500, seed=1, skipped=graded.skipped)
    assert figures["strict_accuracy"] == pytest.approx(2 / 3)
    assert figures["format_rate"] == pytest.approx(1 / 3)
    assert (figures["n"], figures["skipped"], figures["mean_length"]) == (3, 1, 10.0)
    assert set(figures["by_kind"]) == {"single", "multiple"}
    assert figures["by_kind"]["single"]["strict_accuracy"] == 1.0
    assert figures["by_kind"]["single"]["interval"] == [1.0, 1.0]
    assert figures["by_kind"]["multiple"]["strict_accuracy"] == 0.5
    assert figures["by_kind"]["multiple"]["mean_length"] == 10.0
    json.dumps(figures)


def test_no_rows_have_no_figures():
    figures = summarise([], 0.95, 100, seed=0, skipped=2)
    assert figures["strict_accuracy"] is None
    assert (figures["n"], figures["skipped"], figures["by_kind"]) == (0, 2, {})


def test_a_bad_gold_key_is_an_error_not_a_wrong_answer():
    with pytest.raises(DataError, match="q9"):
        grade([ExamReply(question("q9", gold="E"), "答案：A", "stop", 1)])


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=50), st.integers(0, 99))
def test_interval_is_ordered_bounded_and_repeatable(values, seed):
    low, high = bootstrap_interval(values, 0.9, 200, seed)
    assert min(values) <= low <= high <= max(values)
    assert (low, high) == bootstrap_interval(values, 0.9, 200, seed)


def test_interval_agrees_with_the_binomial():
    low, high = bootstrap_interval([1.0] * 300 + [0.0] * 100, 0.95, 4000, seed=3)
    assert low == pytest.approx(0.75 - 1.96 * (0.1875 / 400) ** 0.5, abs=0.006)
    assert high == pytest.approx(0.75 + 1.96 * (0.1875 / 400) ** 0.5, abs=0.006)


def test_blocks_cover_all_resamples(monkeypatch):
    monkeypatch.setattr("psyche_rl.evaluation.bootstrap._CELLS", 64)
    low, high = bootstrap_interval([0.0, 1.0] * 10, 0.95, 1001, seed=0)
    assert 0.2 <= low < 0.5 < high <= 0.8


def test_an_interval_needs_values():
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_interval([], 0.95, 10, 0)
