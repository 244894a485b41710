"""An exam whose copies have different keys: the question is not evaluated on, and a person is shown it."""

import io
import json

from data_pipeline.review import read_queue
from data_pipeline.review.log import DecisionLog
from data_pipeline.selection.select_inputs import held_out
from launch.stages.eval import _forget_other_exams, _queue_doubts
from launch.stages.exam import exam_questions
from psyche_rl.config import parse_config
from psyche_rl.events import Events
from psyche_rl.records import Question, ReviewDecision
from psyche_rl.run_context import StageContext
from psyche_rl.store import RunStore


def test_a_key_in_doubt_goes_to_the_review_queue(tmp_path):
    def row(stem, answer):
        return {"question": stem, "options": ["甲", "乙", "丙"], "answer": answer}

    rows = [row(f"第{n}题问什么", "A") for n in "一二三"] + [row("第一题问什么？", "B")]
    (tmp_path / "exam.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    tree = {"run_dir": str(tmp_path / "run"), "mini": {}, "data": {"questions": str(tmp_path / "exam.json")}}
    tree["data"]["dev_share"] = 1e-9
    config = parse_config(tree, "test")
    store = RunStore(config.run_dir)
    context = StageContext(config, store, Events(store, io.StringIO()), tmp_path)
    exam = exam_questions(context)
    assert [q.stem for q in exam.test] == ["第二题问什么", "第三题问什么"]
    assert [q.stem for q in exam.doubtful] == ["第一题问什么"]
    assert [q.row for q in exam.quarantined] == [1, 4]
    _queue_doubts(context, exam)
    (item,) = read_queue(store)
    assert (item.question, item.reasons) == (exam.doubtful[0], ("label_audit",))
    assert item.question in held_out(context)  # it may be evaluated on later

    def decide(number, action, question=None):
        decision = ReviewDecision(
            id=number, item_id=item.id, action=action, question=question, reasons=item.reasons, reviewer="r",
            time="2026-01-01",
        )  # fmt: skip
        DecisionLog(store).append(decision)
        return [q for q in exam_questions(context).test if q.id == item.id]

    assert decide("1", "reject") == []
    assert decide("2", "accept") == [item.question]
    other = item.question.model_copy(update={"gold": "C"})
    assert decide("3", "edit", other) == [other]


def test_answers_to_another_exam_are_asked_for_again(tmp_path):
    store = RunStore(str(tmp_path / "run"))
    context = StageContext(
        parse_config({"run_dir": store.url, "mini": {}}, "test"), store, Events(store, io.StringIO())
    )
    question = Question(id="q", kind="single", stem="问", options=("甲", "乙"), gold="A", source="s")
    store.write_records("eval/questions.parquet", Question, [question])
    store.write_text("eval/base.parquet", "answers")
    _forget_other_exams(context, [question])
    assert store.exists("eval/base.parquet")
    _forget_other_exams(context, [question.model_copy(update={"gold": "B"})])
    assert not store.exists("eval/base.parquet")
