"""The select stage on real Ray Data and a real engine: what it writes, and that finished batches are kept."""

import io
import json
from collections import Counter
from dataclasses import replace

import pytest
from tiny_models import save_tiny_model

from data_pipeline.answering import ask_selectors
from data_pipeline.answering.selector import QuestionBatch, batches, selectors
from data_pipeline.rows.accounting import UnbalancedRowsError
from data_pipeline.selection import write_sets
from launch.stages import select
from psyche_rl.config import parse_config
from psyche_rl.errors import ConfigError, ModelError
from psyche_rl.events import Events
from psyche_rl.records import (
    Dialogue,
    Message,
    Passage,
    Quarantined,
    Question,
    Rationale,
    RationaleRound,
    ReviewDecision,
    ReviewItem,
    RowOutcome,
    SftExample,
    Verdict,
)
from psyche_rl.run_context import StageContext
from psyche_rl.store import RunStore


def ask(i: int, stem: str = "问") -> Question:
    return Question(
        id=f"q{i}", kind="single", stem=stem, options=("a", "b"), gold="A", source="t", passage_id="p"
    )


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
        "grpo": {"max_tokens": 4},
        "eval": {"max_tokens": 4},
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
    passage = Passage(id="p", text="材料", source="t", row=1)
    store.write_records("synth/passages.parquet", Passage, [passage])
    store.write_records("synth/teacher_wrong.parquet", RationaleRound, [missed(questions[19])])
    store.write_records(
        "synth/dialogues.parquet", Dialogue, [Dialogue(id="d", kind="empathetic", messages=talk, source="t")]
    )
    return StageContext(config, store, Events(store, io.StringIO()), tmp_path)


def missed(question: Question) -> RationaleRound:
    return RationaleRound(
        question_id=question.id, round=0, prompt="p", text="t", answer="B", accepted=False, why="w",
        prompt_version="v", model="m",
    )  # fmt: skip


def outcomes(store: RunStore) -> Counter:
    return Counter((o.status, o.filter) for o in store.read_records("select/outcomes.parquet", RowOutcome))


def all_wrong(batch: QuestionBatch) -> list[Verdict]:
    """Verdicts that no engine would give: their text marks them."""
    return [
        Verdict(question_id=q.id, selector="tiny", sample=s, text="marked", answer="B", correct=False)
        for q in batch.questions
        for s in range(2)
    ]


def planned(context: StageContext) -> list[QuestionBatch]:
    (selector,) = selectors(context.config, context.store)
    return batches(selector, context.store.read_records("synth/questions.parquet", Question))


@pytest.mark.slow
def test_finished_batches_are_read_back_and_only_missing_ones_generated(ray_local, context):
    store, parts = context.store, planned(context)
    assert [len(batch.questions) for batch in parts] == [8, 8, 5]
    store.write_records(parts[1].rel, Verdict, all_wrong(parts[1]))
    counts = select.run(context)
    assert (counts["batches_reused"], counts["quarantined"]) == (1, 1)
    assert counts["grpo"] + counts["sft"] - counts["dialogues"] + counts["without_rationale"] == 20
    verdicts = store.read_records("select/verdicts.parquet", Verdict)
    assert len(verdicts) == 40
    assert {v.question_id for v in verdicts if v.text == "marked"} == {q.id for q in parts[1].questions}
    assert {q.id for q in parts[1].questions} <= {
        q.id for q in store.read_records("select/grpo.parquet", Question)
    }
    assert [q.row for q in store.read_records("select/quarantine.parquet", Quarantined)] == [20]
    assert store.read_records("select/sft.parquet", SftExample)[-1].kind == "empathy"
    assert all(store.exists(batch.rel) for batch in parts)
    ended = outcomes(store)
    assert ended["filtered", "too_long"] == 1
    assert ended["filtered", "no_rationale"] == counts["without_rationale"]
    assert ended.total() == 21 + 1
    assert counts["select.rows"] == 21
    table = store.read_table("select/verdict_table.parquet").to_pylist()
    sets = Counter(row["set"] for row in table)
    assert (sets["grpo"], sets["sft"]) == (counts["grpo"], counts["sft"] - counts["dialogues"])
    assert all(len(row["answers"]) == 1 for row in table[:20])


def test_no_engine_starts_when_all_batches_are_there_or_selection_is_skipped(context, monkeypatch):
    for batch in planned(context):
        context.store.write_records(batch.rel, Verdict, all_wrong(batch))
    monkeypatch.setattr(ask_selectors, "connect", lambda: pytest.fail("Ray was started"))
    counts = select.run(context)
    assert (counts["grpo"], counts["audit"], counts["batches_reused"]) == (21, 21, 3)
    assert counts["teacher_wrong"] == 1
    queue = context.store.read_records("review/queue/select.parquet", ReviewItem)
    assert len(queue) == 21
    assert [i.reasons for i in queue if i.id == "q19"] == [("label_audit", "teacher_wrong")]
    assert (
        "every selector answers B; the teacher answers B" in next(i for i in queue if i.id == "q19").notes[0]
    )
    skipping = context.config.model_copy(
        update={"select": context.config.select.model_copy(update={"skip": True, "random_grpo_share": 0.5})}
    )
    counts = select.run(StageContext(skipping, context.store, context.events, context.scratch))
    assert (counts["grpo"], counts["batches_reused"]) == (10, 0)


def test_the_key_of_a_batch_follows_all_that_its_verdicts_depend_on(context):
    (selector,) = selectors(context.config, context.store)
    questions = [ask(i) for i in range(3)]
    key = selector.batch_key(questions)
    assert key == selector.batch_key([ask(i) for i in range(3)])
    colder = selector.settings.model_copy(update={"temperature": 0.5})
    others = [replace(selector, seed=1), replace(selector, settings=colder)]
    keys = {key, selector.batch_key(questions[:2]), *(other.batch_key(questions) for other in others)}
    assert len(keys) == 4


def test_a_missing_selector_is_told_before_anything_starts(context):
    for names, error, said in (
        ([], ConfigError, "select.selectors is empty"),
        (["/no/where"], ModelError, "/no/where"),
    ):
        chosen = context.config.select.model_copy(update={"selectors": tuple(names)})
        config = context.config.model_copy(update={"select": chosen})
        with pytest.raises(error, match=said):
            select.run(StageContext(config, context.store, context.events, context.scratch))


def test_what_review_rejects_and_what_holds_an_exam_item_is_in_no_set(context, tmp_path):
    store = context.store
    (batch, *_) = planned(context)
    decision = ReviewDecision(
        id="d1", item_id="q3", action="reject", reason="the key is wrong", reviewer="r", time="2026-01-01"
    )
    (tmp_path / "run/review").mkdir(parents=True)
    (tmp_path / "run/review/decisions.jsonl").write_text(decision.model_dump_json() + "\n", "utf-8")
    exam = {
        "question": "有一道留作考试的题目，它的题干足够长",
        "options": {"A": "甲", "B": "乙"},
        "answer": "A",
    }
    (tmp_path / "exam.json").write_text(json.dumps([exam], ensure_ascii=False), "utf-8")
    leaked = ask(5, stem="有一道留作考试的题目, 它的题干足够长")
    questions = [leaked if q.id == "q5" else q for q in batch.questions]
    store.write_records("synth/questions.parquet", Question, questions)
    tree = context.config.model_dump()
    tree["data"]["questions"] = str(tmp_path / "exam.json")
    tree["select"]["skip"] = True
    select.run(StageContext(parse_config(tree, "test"), store, context.events, context.scratch))
    ended = outcomes(store)
    assert (ended["filtered", "rejected"], ended["filtered", "contaminated"]) == (1, 1)
    used = {q.id for q in store.read_records("select/grpo.parquet", Question)}
    used |= {e.source_id for e in store.read_records("select/sft.parquet", SftExample)}
    assert used - {"d"} == {q.id for q in questions} - {"q3", "q5"}
    assert store.read_json("select/contamination.json")["removed"]["question"] == 1


@pytest.mark.parametrize("tamper", [lambda sft: sft[1:], lambda sft: sft[:-1], lambda sft: [*sft, sft[-1]]])
def test_an_example_that_is_lost_or_doubled_ends_the_stage(context, monkeypatch, tamper):
    make = write_sets.sft_examples
    monkeypatch.setattr(write_sets, "sft_examples", lambda *given: tamper(list(make(*given))))
    chosen = context.config.select.model_copy(update={"skip": True, "random_grpo_share": 0.0})
    config = context.config.model_copy(update={"select": chosen})
    with pytest.raises(UnbalancedRowsError):
        select.run(StageContext(config, context.store, context.events, context.scratch))
