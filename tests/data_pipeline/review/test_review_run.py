"""The review in a run folder: the log through kills and crowds, the queue files, waiting, finished runs."""

import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from data_pipeline.review import (
    Flag,
    ReviewPending,
    apply_review,
    await_review,
    queue_items,
    read_queue,
    standing,
    write_queue,
)
from data_pipeline.review.finished_run import items_of_run
from data_pipeline.review.log import DECISIONS, DecisionLog, read_decisions
from data_pipeline.review.session import NoSuchItem, ReviewSession, Ruling
from psyche_rl.config.review import ReviewConfig
from psyche_rl.errors import RunFolderError
from psyche_rl.records import Quarantined, Question, Rationale, ReviewDecision, Verdict
from psyche_rl.store import RunStore

ROOT = Path(__file__).parents[3]
QUESTIONS = [
    Question(id=f"q{i}", kind="single", stem=f"题{i}", options=("甲", "乙"), gold="A", source="s")
    for i in range(4)
]


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(str(tmp_path))


def decision(name: str, item: str = "q0", action: str = "accept") -> ReviewDecision:
    return ReviewDecision(
        id=name, item_id=item, action=action, reviewer="王", time="2026-01-01T00:00:00+00:00"
    )


WRITER = """
    import itertools, sys
    from data_pipeline.review.log import DecisionLog
    from psyche_rl.records import ReviewDecision
    from psyche_rl.store import RunStore
    log, me, many = DecisionLog(RunStore(sys.argv[1])), sys.argv[2], int(sys.argv[3])
    for n in range(many) if many else itertools.count():
        log.append(ReviewDecision(id=f"{me}-{n}", item_id=f"q{n}", action="accept", reason="长" * 3000,
                                  reviewer=me, time="2026-01-01T00:00:00+00:00"))
        print(n, flush=True)
"""


def writer(store: RunStore, name: str, many: int) -> subprocess.Popen:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), store.url, name, str(many)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)


def test_several_processes_write_and_no_line_is_mixed_or_lost(store):
    writers = [writer(store, name, 100) for name in ("a", "b")]
    for process in writers:
        process.communicate(timeout=120)
        assert process.returncode == 0
    decisions, bad = read_decisions(store)
    assert not bad
    for name in ("a", "b"):
        assert [d.id for d in decisions if d.reviewer == name] == [f"{name}-{n}" for n in range(100)]


def test_a_writer_waits_for_its_turn(store):
    log = DecisionLog(store)
    log.append(decision("1"))
    late = threading.Thread(target=log.append, args=(decision("2"),))
    with log.path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        late.start()
        late.join(0.3)
        assert [d.id for d in log.read()] == ["1"]
    late.join()
    assert [d.id for d in log.read()] == ["1", "2"]


def test_what_was_acknowledged_survives_sigkill(store):
    process = writer(store, "a", 0)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline() for _ in range(40)]
    process.send_signal(signal.SIGKILL)
    acknowledged += process.stdout.readlines()
    process.wait()
    decisions, _ = read_decisions(store)
    assert [d.id for d in decisions][: len(acknowledged)] == [f"a-{n}" for n in range(len(acknowledged))]
    DecisionLog(store).append(decision("after"))
    assert read_decisions(store)[0][-1].id == "after"


def test_half_a_line_is_no_decision_and_in_nobodys_way(store):
    log = DecisionLog(store)
    log.append(decision("1"))
    with log.path.open("ab") as file:
        file.write(decision("torn").model_dump_json().encode()[:40])
    other = DecisionLog(store)
    assert [d.id for d in other.read()] == ["1"]
    log.append(decision("2"))
    assert [d.id for d in log.read()] == [d.id for d in other.read()] == ["1", "2"]
    decisions, [bad] = read_decisions(store)
    assert [d.id for d in decisions] == ["1", "2"]
    assert (bad.stage, bad.source, bad.row) == ("review", DECISIONS, 2)


def test_a_log_that_cannot_be_written_is_one_line(store):
    log = DecisionLog(store)
    log.path.mkdir()
    with pytest.raises(RunFolderError, match="cannot be written: Is a directory; nothing was decided"):
        log.append(decision("1"))
    with pytest.raises(RunFolderError, match="not on a local or shared disk"):
        DecisionLog(RunStore("memory://run"))


def test_each_stage_replaces_its_own_part_of_the_queue(store):
    assert read_queue(store) == []
    write_queue(
        store, "select", queue_items(QUESTIONS[:1], flags=[Flag("q0", "label_audit")], seed=0, rate=0)
    )
    write_queue(store, "synth", queue_items(QUESTIONS, seed=0, rate=1))
    first = read_queue(store)[0]
    assert (first.id, first.reasons) == ("q0", ("label_audit", "sampled"))
    write_queue(store, "synth", queue_items(QUESTIONS[2:], seed=0, rate=1))
    assert [i.id for i in read_queue(store)] == ["q0", "q2", "q3"]


def test_a_run_waits_only_if_told_to_and_goes_on_when_all_is_decided(store):
    items = queue_items(QUESTIONS[:2], flags=[Flag("q1", "quality_filter")], seed=0, rate=1)
    await_review(store, items, ReviewConfig())
    applied = apply_review(store, QUESTIONS[:2], items, ReviewConfig())
    assert ([q.id for q in applied.kept], list(applied.out)) == (["q0"], ["q1"])

    waiting, log = ReviewConfig(wait=True), DecisionLog(store)
    session = ReviewSession(items, log, "王")
    session.decide(Ruling("1", "q0", "reject"))
    with pytest.raises(ReviewPending, match=r"1 of 2 items wait for review .* 'psyche-rl review /") as told:
        await_review(store, items, waiting)
    assert "\n" not in str(told.value)
    session.decide(Ruling("2", "q1", "edit", changes={"gold": "B"}))
    await_review(store, items, waiting)
    applied = apply_review(store, QUESTIONS[:2], items, waiting)
    assert [(q.id, q.gold) for q in applied.kept] == [("q1", "B")]


def test_two_desks_on_one_run_agree_and_a_request_sent_twice_decides_once(store):
    items = queue_items(QUESTIONS[:2], seed=0, rate=1)
    one, two = (ReviewSession(items, DecisionLog(store), name) for name in ("一", "二"))
    first = one.decide(Ruling("1", "q0", "accept"))
    assert two.item("q0")[1] == first
    assert two.decide(Ruling("1", "q0", "accept")) == first
    two.decide(Ruling("2", "q0", "reject", "  题目含糊 "))
    assert one.item("q0")[1].reason == "题目含糊"
    one.decide(Ruling("3", "q0", "undo", undoes="1"))
    assert one.item("q0")[1].action == "reject"
    assert one.progress() == two.progress() == (1, 2)
    assert [d.action for d in read_decisions(store)[0]] == ["accept", "reject", "undo"]
    for strange in (
        Ruling("9", "x", "accept"),
        Ruling("9", "q1", "undo", undoes="2"),
        Ruling("9", "q1", "undo"),
    ):
        with pytest.raises(NoSuchItem):
            one.decide(strange)


def test_a_run_of_stages_that_left_no_queue_is_reviewed_from_what_they_wrote(store):
    with pytest.raises(RunFolderError, match="run the synth stage first"):
        items_of_run(store, 0, 1)
    store.write_records("synth/questions.parquet", Question, QUESTIONS)
    assert items_of_run(store, seed=0, rate=0) == []
    rationales = [
        Rationale(id=f"r{i}", question_id=f"q{i}", prompt="", text="因为", answer="A", round=0, model="m")
        for i in (0, 1)
    ]
    failed = Quarantined(stage="synth.rationales", source="s", row=0, reason="call failed", content="q3")
    verdict = Verdict(question_id="q1", selector="m", sample=0, text="", answer="B", correct=False)
    store.write_records("synth/rationales.parquet", Rationale, rationales)
    store.write_records("synth/quarantine.parquet", Quarantined, [failed])
    store.write_records("select/verdicts.parquet", Verdict, [verdict])
    audit = {"question_id": ["q1"], "kind": ["single"], "stem": ["题1"], "gold": ["A"], "agreed": ["B"]}
    store.write_table("select/label_audit.parquet", pa.table(audit))
    items = items_of_run(store, seed=0, rate=0)
    assert [(i.id, i.reasons) for i in items] == [("q1", ("label_audit",)), ("q2", ("teacher_wrong",))]
    assert items[0].notes == ("selectors agree on B, the key is A",)
    assert (items[0].rationale, items[0].answers[0].answer) == ("因为", "B")
    assert standing(read_decisions(store)[0]) == {}
