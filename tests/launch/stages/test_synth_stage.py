"""The synth stage on three cards, through Ray, the client actor and a real teacher process."""

import io
import json
from pathlib import Path

import pytest
import yaml

from data_pipeline.review import read_queue
from data_pipeline.review.log import DecisionLog
from data_pipeline.rows.map_blocks import map_blocks
from launch.stages import synth
from psyche_rl.config import parse_config
from psyche_rl.errors import ConfigError, DataError, RemoteWaitError, TeacherError
from psyche_rl.events import Events
from psyche_rl.mini.cards import TEXTS
from psyche_rl.mini.teacher import TeacherFlaws
from psyche_rl.mini.teacher.process import start_teacher
from psyche_rl.records import (
    Dialogue,
    Passage,
    Quarantined,
    Question,
    Rationale,
    RationaleRound,
    ReviewDecision,
    RowOutcome,
)
from psyche_rl.run_context import StageContext
from psyche_rl.store import RunStore
from psyche_rl.store.record_file import written

FLAWS = TeacherFlaws(fault_rate=0.1, malformed=0.1, wrong_rationale=0.2)


def context_of(run_dir, **sections):
    tree = {
        "run_dir": str(run_dir),
        "synth": {
            "single_per_passage": 4,
            "multiple_per_passage": 4,
            "questions_per_call": 2,
            "block_rows": 4,
        },
        **sections,
    }
    store = RunStore(tree["run_dir"])
    return StageContext(parse_config(tree, "test"), store, Events(store, console=io.StringIO()))


@pytest.fixture
def inputs(tmp_path):
    cards = yaml.safe_load((TEXTS / "cards_general.yaml").read_text("utf-8"))[:3]
    posts = yaml.safe_load((TEXTS / "posts.yaml").read_text("utf-8"))[:2]
    rows = [{"title": c["name"], "text": c["text"]} for c in cards] + [
        {"no": "text"},
        {"text": "扫码加微信！"},
    ]
    (tmp_path / "cards.jsonl").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))
    (tmp_path / "posts.yaml").write_text(yaml.safe_dump(posts, allow_unicode=True))
    return {"passages": str(tmp_path / "cards.jsonl"), "posts": str(tmp_path / "posts.yaml")}


def files(store):
    return {name: store.read_bytes(name) for name in store.glob("synth/*.parquet")}


@pytest.mark.slow
def test_the_stage_writes_whole_records_and_pays_once(ray_local, inputs, tmp_path):
    log = tmp_path / "teacher.jsonl"
    with start_teacher(FLAWS, seed=0, log=log) as url:
        context = context_of(tmp_path / "run", data=inputs, teacher={"base_url": url, "max_in_flight": 8})
        counts = synth.run(context)
        first = files(context.store)
        answered = [
            json.loads(line)["digest"] for line in log.read_text().splitlines() if '"status": 200' in line
        ]
        again = synth.run(context)
        lines_after = log.read_text().splitlines()
    store = context.store
    passages = store.read_records("synth/passages.parquet", Passage)
    questions = store.read_records("synth/questions.parquet", Question)
    rationales = store.read_records("synth/rationales.parquet", Rationale)
    dialogues = store.read_records("synth/dialogues.parquet", Dialogue)
    bad = store.read_records("synth/quarantine.parquet", Quarantined)

    text = {p.id: p.text for p in passages}
    assert len(text) == counts["passages"] == 3
    assert all(q.span in text[q.passage_id] for q in questions)
    gold = {q.id: q.gold for q in questions}
    assert 20 <= len(gold) == counts["questions"] == counts["questions_single"] + counts["questions_multiple"]
    assert all(r.answer == gold[r.question_id] for r in rationales)
    assert len({r.question_id for r in rationales}) == len(rationales) == counts["rationales"]
    assert counts["rationale_wrong"] == len(questions) - len(rationales) > 0
    assert any(r.round == 1 for r in rationales)
    assert [d.kind for d in dialogues] == ["plain"] * 2 + ["empathetic"] * 2
    assert [d.source_id for d in dialogues[2:]] == [d.id for d in dialogues[:2]]
    assert ("passages", "cards.jsonl", 4) in {(b.stage, b.source, b.row) for b in bad}
    assert counts["quarantined"] == len(bad)

    outcomes = store.read_records("synth/outcomes.parquet", RowOutcome)
    ends = ("ok", "filtered", "failed", "quarantined")
    for stage in {o.stage for o in outcomes}:
        found = [counts.get(f"{stage}.{status}", 0) for status in ends]
        assert sum(found) == counts[f"{stage}.rows"] == sum(o.stage == stage for o in outcomes) > 0
    by_row = {(o.stage, o.row): o for o in outcomes}
    assert {r.id for r in rationales} == {by_row["rationales", r.question_id].gives for r in rationales}
    assert by_row["passages", "cards.jsonl:5"].filter == "too_short"
    assert by_row["rationales", rationales[0].question_id].prompt == rationales[0].prompt_version
    wrong = store.read_records("synth/teacher_wrong.parquet", RationaleRound)
    assert len(wrong) == counts["rationale_wrong"] == counts["rationales.filtered"]
    assert all(w.round == 0 and w.answer != gold[w.question_id] for w in wrong)
    history = store.read_records("synth/rationale_history.parquet", RationaleRound)
    last = {t.question_id: t for t in history if t.accepted}
    assert {(r.question_id, r.round, r.text) for r in rationales} == {
        (t.question_id, t.round, t.text) for t in last.values()
    }

    assert len(answered) == len(set(answered)) == counts["llm_calls"]
    assert (again["llm_calls"], again["llm_calls_cached"]) == (0, counts["llm_calls"])
    assert sum('"status": 200' in line for line in lines_after) == len(answered)
    assert files(store) == first
    assert len(first) == 8


@pytest.mark.slow
def test_a_post_with_cues_of_a_crisis_waits_for_a_person(ray_local, inputs, tmp_path):
    posts = [
        {"post": "最近总是睡不好，怎么办？", "reply": "睡前别看手机，可以记下要做的事。"},
        {"post": "活着没意思，我想自杀。", "reply": "请告诉我你在哪里，可以打热线求助。"},
    ]
    path = tmp_path / "crisis.jsonl"
    path.write_text("".join(json.dumps(p, ensure_ascii=False) + "\n" for p in posts), "utf-8")
    with start_teacher(TeacherFlaws(), seed=0) as url:
        context = context_of(tmp_path / "run", data=inputs | {"posts": str(path)}, teacher={"base_url": url})
        counts = synth.run(context)
        store = context.store
        held = store.read_records("synth/dialogues.parquet", Dialogue)
        (item,) = [i for i in read_queue(store) if "crisis" in i.reasons]
        decision = ReviewDecision(
            id="1", item_id=item.id, action="accept", reasons=item.reasons, reviewer="r", time="2026-01-01"
        )
        DecisionLog(store).append(decision)
        again = synth.run(context)
    assert (counts["posts"], counts["posts_crisis"], counts["review.dialogues.filtered"]) == (2, 1, 1)
    assert item.dialogue.messages[0].content == posts[1]["post"]
    assert "active_ideation" in item.notes[0]
    assert not any(posts[1]["post"] == d.messages[0].content for d in held)
    assert again["dialogues"] == counts["dialogues"] + 1
    assert posts[1]["post"] in [
        d.messages[0].content
        for d in store.read_records("synth/dialogues.parquet", Dialogue)
        if d.kind == "empathetic"
    ]


@pytest.mark.slow
def test_a_seed_gives_the_same_files_whatever_blocks_and_calls_in_flight(ray_local, inputs, tmp_path):
    written = []
    for name, in_flight, rows in (("a", 2, 1), ("b", 16, 64)):
        with start_teacher(FLAWS, seed=1) as url:
            shape = {"single_per_passage": 2, "multiple_per_passage": 2, "block_rows": rows}
            teacher = {"base_url": url, "max_in_flight": in_flight}
            context = context_of(tmp_path / name, seed=1, data=inputs, teacher=teacher, synth=shape)
            synth.run(context)
        written.append(files(context.store))
    assert written[0] == written[1]


@pytest.mark.slow
def test_an_error_in_a_block_comes_back_as_itself(ray_local, tmp_path):
    def fail(block, error):
        raise error

    store = RunStore(str(tmp_path))
    passages = written(store, "p.parquet", Passage, [Passage(id="p", text="文", source="s", row=1)] * 2)
    with pytest.raises(TeacherError, match="start it again"):
        list(map_blocks(passages, fail, 1, error=TeacherError("the teacher is gone; start it again")))

    def lose(block):
        raise RemoteWaitError("LLM client", "rationales", None, "the actor died")

    with pytest.raises(RemoteWaitError, match="LLM client in phase 'rationales': the actor died"):
        list(map_blocks(passages, lose, 1))


@pytest.mark.slow
def test_a_pool_of_actors_gives_what_tasks_give(ray_local, tmp_path, monkeypatch):
    rows = [Passage(id=f"p{n}", text="文", source="s", row=n) for n in range(9)]
    passages = written(RunStore(str(tmp_path)), "p.parquet", Passage, rows)

    def take(block):
        return block.select(["id"])

    few = list(map_blocks(passages, take, 2))
    monkeypatch.setattr("data_pipeline.rows.map_blocks.BLOCKS_FOR_A_POOL", 1)
    assert list(map_blocks(passages, take, 2)) == few
    assert [part.num_rows for part in few] == [2, 2, 2, 2, 1]


def test_without_server_or_mini_world_the_remedy_is_named(inputs, tmp_path):
    with pytest.raises(ConfigError, match=r"teacher\.base_url"):
        synth.run(context_of(tmp_path / "run", data=inputs))


def test_a_dead_teacher_and_missing_passages_are_told_before_ray_starts(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(synth, "placed", lambda *_: pytest.fail("Ray was started"))
    dead = {"base_url": "http://127.0.0.1:9/v1"}
    with pytest.raises(TeacherError, match=r"127\.0\.0\.1:9"):
        synth.run(context_of(tmp_path / "run", data=inputs, teacher=dead))
    missing = {**inputs, "passages": str(Path(inputs["passages"]).with_name("nowhere"))}
    with pytest.raises(DataError, match="nowhere"):
        synth.run(context_of(tmp_path / "run", data=missing, teacher=dead))
