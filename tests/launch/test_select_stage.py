"""The select stage on real Ray Data and a real engine: what it writes, and that finished batches are kept."""

import io
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "actors"))
from tiny_models import save_tiny_model

from launch.context import StageContext
from launch.stages import select
from psyche_rl.config import parse_config
from psyche_rl.errors import ConfigError, ModelError
from psyche_rl.events import Events
from psyche_rl.records import Dialogue, Message, Question, Rationale, SftExample, Verdict
from psyche_rl.store import RunStore


def ask(i: int, stem: str = "问") -> Question:
    return Question(id=f"q{i}", kind="single", stem=stem, options=("a", "b"), gold="A", source="t")


@pytest.fixture
def context(tmp_path):
    save_tiny_model(tmp_path / "model" / "tiny")
    tree = {
        "run_dir": str(tmp_path / "run"),
        "select": {"selectors": [str(tmp_path / "model" / "tiny")], "max_tokens": 4, "block_rows": 8},
        "engine": {
            "dtype": "float32",
            "max_model_len": 200,
            "kv_cache_mib": 16,
            "enforce_eager": True,
            "threads": 1,
        },
        "prompt": {"instruction": ""},
    }
    config = parse_config(tree, "test")
    store = RunStore(config.run_dir)
    questions = [ask(i) for i in range(20)] + [ask(20, stem="长" * 100)]
    talk = (Message(role="user", content="u"), Message(role="assistant", content="a"))
    rationales = [
        Rationale(id=f"r{q.id}", question_id=q.id, prompt="p", text="t", answer="A", round=0, model="m")
        for q in questions[:15]
    ]
    store.write_records("synth/questions.parquet", Question, questions)
    store.write_records("synth/rationales.parquet", Rationale, rationales)
    store.write_records(
        "synth/dialogues.parquet", Dialogue, [Dialogue(id="d", kind="empathetic", messages=talk, source="t")]
    )
    return StageContext(config, store, Events(store, io.StringIO()), tmp_path)


def test_finished_batches_are_not_generated_again(ray_local, context):
    store = context.store
    counts = select.run(context)
    parts = store.glob("select/verdicts/tiny/*.parquet")
    assert len(parts) == 3
    assert counts["batches_reused"] == 0
    assert counts["quarantined"] == 1
    assert counts["grpo"] + counts["sft"] - counts["dialogues"] + counts["without_rationale"] == 20
    assert len(store.read_records("select/verdicts.parquet", Verdict)) == 40
    assert store.read_records("select/quarantine.parquet", select.Quarantined)[0].row == 20
    assert store.read_records("select/sft.parquet", SftExample)[-1].kind == "empathy"
    first = store.read_bytes("select/verdicts.parquet")

    # A marked batch shows that it is read, not made again; the removed one is made again, the same.
    kept = [store.local_path(p).stat().st_mtime_ns for p in parts[1:]]
    before = pq.read_table(store.local_path(parts[0]))
    store.remove(parts[0])
    assert select.run(context)["batches_reused"] == 2
    assert [store.local_path(p).stat().st_mtime_ns for p in parts[1:]] == kept
    assert pq.read_table(store.local_path(parts[0])).equals(before)
    assert store.read_bytes("select/verdicts.parquet") == first


def test_no_engine_starts_when_all_batches_are_there_or_selection_is_skipped(context, monkeypatch):
    for selector in select.selectors(context):
        for batch in select.batches(
            selector, context.store.read_records("synth/questions.parquet", Question)
        ):
            rows = [
                Verdict(question_id=q.id, selector="tiny", sample=s, text="", answer="B", correct=False)
                for q in batch.questions
                for s in range(2)
            ]
            context.store.write_records(batch.rel, Verdict, rows)
    monkeypatch.setattr(select, "answer_missing", lambda *_, **__: pytest.fail("an engine was started"))
    counts = select.run(context)
    assert (counts["grpo"], counts["audit"], counts["batches_reused"]) == (21, 21, 3)
    skipping = context.config.model_copy(
        update={"select": context.config.select.model_copy(update={"skip": True, "random_grpo_share": 0.5})}
    )
    counts = select.run(StageContext(skipping, context.store, context.events, context.scratch))
    assert (counts["grpo"], counts["batches_reused"]) == (10, 0)


def test_a_missing_selector_is_told_before_anything_starts(context):
    for names, error, said in (
        ([], ConfigError, "select.selectors is empty"),
        (["/no/where"], ModelError, "/no/where"),
    ):
        chosen = context.config.select.model_copy(update={"selectors": tuple(names)})
        config = context.config.model_copy(update={"select": chosen})
        with pytest.raises(error, match=said):
            select.run(StageContext(config, context.store, context.events, context.scratch))
