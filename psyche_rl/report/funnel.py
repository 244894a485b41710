"""From texts to training sets: how many rows entered each step, how they ended, and what its calls cost.

Pure. Reads the counts that stages left in the manifest and the log of LLM calls.
Invariants:
- A step that the run did not have is absent; numbers are the manifest's.
- Every call is in one row: those of no step of the funnel stand in a row of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psyche_rl.charts import Chart
from psyche_rl.charts.bars import bar_chart
from psyche_rl.llm.usage import Usage
from psyche_rl.store import StageEntry
from psyche_rl.store.manifest import ROW_COUNTS

ENDINGS = ROW_COUNTS[1:]
Step = tuple[str, str, str, tuple[str, ...]]
QUESTIONS: tuple[Step, ...] = (
    ("passages", "synth", "passages", ()),
    ("questions written", "synth", "questions", ("synth.questions", "synth.questions.repair")),
    ("not repeated", "synth", "repeats.questions", ()),
    ("not nearly repeated", "synth", "near.questions", ()),
    ("quality filter", "synth", "quality", ("synth.quality",)),
    ("review", "synth", "review.questions", ()),
    (
        "accepted rationale",
        "synth",
        "rationales",
        ("synth.rationales", "synth.prompt rewriting", "synth.rationale gate"),
    ),
    ("in a training set", "select", "select", ("select",)),
)
"""What the step is called on the page, its stage, its name in the manifest, and its calls in the log."""
DIALOGUES: tuple[Step, ...] = (
    ("posts", "synth", "posts", ()),
    ("posts after review", "synth", "review.posts", ()),
    ("empathetic replies", "synth", "empathy", ("synth.empathy",)),
    ("several turns", "synth", "multi_turn", ("synth.multi-turn",)),
    ("dialogues after review", "synth", "review.dialogues", ()),
    ("dialogues in the SFT set", "select", "select.dialogues", ()),
)


@dataclass(frozen=True)
class FunnelRow:
    """A step: its rows by how they ended, and its calls."""

    name: str
    counts: Mapping[str, int | float]
    """"rows" and each way of ending; empty for calls of no step."""
    calls: int
    failed: int
    tokens: int
    cost: float


@dataclass(frozen=True)
class Funnel:
    """Steps of one kind of record, in order."""

    title: str
    rows: tuple[FunnelRow, ...]
    chart: Chart | None


def funnels(stages: Mapping[str, StageEntry], usage: Sequence[Usage], currency: str) -> list[Funnel]:
    """Questions, then dialogues; what other calls cost is the last row of the first."""
    known = {name for *_, calls in (*QUESTIONS, *DIALOGUES) for name in calls}
    parts = {"Questions": QUESTIONS, "Dialogues": DIALOGUES}
    rows = {title: [r for s in steps if (r := _row(s, stages, usage))] for title, steps in parts.items()}
    rest = [_spent(f"other calls: {u.stage}", {}, [u]) for u in usage if u.stage not in known]
    rows["Questions"] += rest
    return [Funnel(title, tuple(of), _chart(title, of, currency)) for title, of in rows.items() if of]


def _row(step: Step, stages: Mapping[str, StageEntry], usage: Sequence[Usage]) -> FunnelRow | None:
    name, stage, key, calls = step
    counts = stages[stage].steps.get(key) if stage in stages else None
    mine = [u for u in usage if u.stage in calls]
    return _spent(name, counts or {}, mine) if counts or mine else None


def _spent(name: str, counts: Mapping[str, int | float], usage: Sequence[Usage]) -> FunnelRow:
    return FunnelRow(
        name,
        counts,
        sum(u.calls + u.failed for u in usage),
        sum(u.failed for u in usage),
        sum(u.prompt_tokens + u.completion_tokens for u in usage),
        sum(u.cost for u in usage),
    )


def _chart(title: str, rows: Sequence[FunnelRow], currency: str) -> Chart | None:
    steps = [row for row in rows if row.counts]
    layers = {"kept" if way == "ok" else way: [row.counts[way] for row in steps] for way in ENDINGS}
    cost = [f"{row.cost:.4g} {currency}, {row.tokens:,} tokens" if row.calls else "no calls" for row in steps]
    title = f"{title}: rows into each step, by how they ended"
    return bar_chart(
        title, layers, [row.name for row in steps], ("step", "rows"), lying=True, beside={"cost": cost}
    )
