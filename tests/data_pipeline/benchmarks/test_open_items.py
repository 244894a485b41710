"""Items of open questions, and what is left out."""

import json

from data_pipeline.benchmarks.load_items import load_items
from psyche_rl.evaluation.benchmark import Benchmark

OPEN = Benchmark.model_validate(
    {"name": "x", "title": "x", "source": "x", "licence": "x", "citation": "x", "get": "x", "loader": "open",
     "prompt": {"instruction": "", "kind_prefix": False},
     "columns": {"thought": "question", "target": "gold"},
     "subject": {"column": "topic"}, "extraction": "text"}
)  # fmt: skip


def test_rows_become_items_or_are_left_out_with_the_reason(tmp_path):
    rows = [
        {"thought": "我一事无成。", "target": "一次失败不等于一事无成。", "topic": "工作"},
        {"thought": "我一事无成。", "target": "一次失败不等于一事无成。", "topic": "工作"},
        {"thought": "选哪个？", "options": ["甲", "乙"], "target": "A"},
        {"target": "没有想法"},
        {"thought": "按量表打分。", "target": {"1": 2}},
    ]
    path = tmp_path / "items.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    loaded = load_items(OPEN, str(path))
    first, second = loaded.items
    assert (first.messages[0].content, first.gold, first.subject) == (
        "我一事无成。", "一次失败不等于一事无成。", "工作"
    )  # fmt: skip
    assert second.gold == '{"1": 2}'
    assert [(left.row, left.outcome) for left in loaded.left_out] == [
        (2, "repeat"), (3, "quarantined"), (4, "quarantined")
    ]  # fmt: skip
