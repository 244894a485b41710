"""The funnel: rows and cost of each step, and no call that is in no row."""

from __future__ import annotations

from chart_rows import chart_rows

from psyche_rl.llm.usage import Usage
from psyche_rl.report.funnel import funnels
from psyche_rl.store import StageEntry


def stage(**counts: int) -> StageEntry:
    named = {name.replace("__", "."): count for name, count in counts.items()}
    return StageEntry(status="done", started="t", counts=named)


STAGES = {
    "synth": stage(
        passages__rows=9, passages__ok=9, questions__rows=90, questions__ok=80, questions__failed=10,
        quality__rows=80, quality__ok=60, quality__filtered=20, rationales__rows=60, rationales__ok=55,
        rationales__filtered=5, questions=60,
    ),
    "select": stage(select__rows=60, select__ok=50, select__filtered=10),
}  # fmt: skip
USAGE = [
    Usage("synth.questions", "m", 10, 1, 100, 50, 0.25),
    Usage("synth.rationales", "m", 60, 0, 600, 300, 1.5),
    Usage("synth.rationale gate", "m", 60, 0, 60, 6, 0.125),
    Usage("synth.something new", "m", 3, 0, 30, 3, 0.5),
]


def test_steps_stand_in_order_with_their_rows_and_what_their_calls_cost():
    [questions] = funnels(STAGES, USAGE, "EUR")
    told = {
        row.name: (row.counts.get("rows"), row.counts.get("ok"), row.calls, row.cost)
        for row in questions.rows
    }
    assert list(told.items()) == [
        ("passages", (9, 9, 0, 0)),
        ("questions written", (90, 80, 11, 0.25)),
        ("quality filter", (80, 60, 0, 0)),
        ("accepted rationale", (60, 55, 120, 1.625)),
        ("in a training set", (60, 50, 0, 0)),
        ("other calls: synth.something new", (None, None, 3, 0.5)),
    ]
    assert sum(row.cost for row in questions.rows) == sum(usage.cost for usage in USAGE)


def test_the_bars_are_the_rows_by_how_they_ended():
    [questions] = funnels(STAGES, USAGE, "EUR")
    rows = [(row["place"], row["group"], row["count"]) for row in chart_rows(questions.chart)]
    assert ("questions written", "kept", 80) in rows
    assert ("questions written", "failed", 10) in rows
    assert ("quality filter", "filtered", 20) in rows
    told = {row["place"]: row["beside0"] for row in chart_rows(questions.chart)}
    assert told["accepted rationale"] == "1.625 EUR, 966 tokens"
    assert told["passages"] == "no calls"


def test_a_run_without_rows_has_no_funnel():
    assert funnels({}, [], "") == []
