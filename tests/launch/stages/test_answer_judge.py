"""The judge of the eval stage against a server: asked once, counted, in summary and report."""

import io
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from charts_without_code import without_chart_code
from scripted_server import DirectDoor, ScriptedServer

from launch.checks.preflight import check_run
from launch.stages import answer_judge
from launch.stages import eval as eval_stage
from psyche_rl.config import dump_config, parse_config
from psyche_rl.config.engine import EngineConfig
from psyche_rl.errors import TeacherError
from psyche_rl.evaluation import ExamReply, GradedAnswer, grade
from psyche_rl.evaluation.judged_answer import JUDGED, JudgedAnswer
from psyche_rl.events import Events
from psyche_rl.llm.call_log import CallLog
from psyche_rl.records import Question
from psyche_rl.report import collect, render_page
from psyche_rl.run_context import StageContext
from psyche_rl.store import Manifest, RunStore

QUESTIONS = [
    Question(id=f"q{i}", kind="single", stem=f"题干{i}", options=("甲", "乙"), gold="B", source="t")
    for i in range(4)
]
VAGUE = "我倾向于后面那个说法。"
GRADED = {
    "base": [VAGUE, "答案：A", "<think>没想完", "答案：B"],
    "sft": ["答案：B"] * 4,
    "grpo": ["答案：B", VAGUE, "答案是A或B", "答案：A"],
}


def right(prompt):
    return '{"letters": "B"}' if VAGUE in prompt else '{"letters": ""}'


@pytest.fixture
def rig(tmp_path, monkeypatch):
    """``rig(answer)``: the server and the context of a run that asks it."""
    servers, started = [], []
    monkeypatch.setattr(answer_judge, "connect", lambda pass_env: None)

    def start(teacher, url, stage, places):
        assert (stage, places) == ("eval", ())
        started.append(teacher)
        return DirectDoor(teacher, tmp_path / "run")

    monkeypatch.setattr(answer_judge, "start_llm", start)

    def make(answer, **changes):
        servers.append(ScriptedServer(answer))
        model = f"{servers[-1].url}#matcher-7b"
        tree = {
            "run_dir": str(tmp_path / "run"), "mini": {}, "teacher": {"attempts": 1},
            "eval": {"extraction": "rules+judge", "judge": {"model": model, "max_tokens": 99}, **changes},
        }  # fmt: skip
        config = parse_config(tree, "test")
        store = RunStore(config.run_dir)
        store.write_text("config.yaml", dump_config(config))
        Manifest(created="t", stages={}).save(store)
        return servers[-1], StageContext(config, store, Events(store, io.StringIO()), tmp_path), started

    yield make
    for server in servers:
        server.close()


def graded() -> dict[str, list[GradedAnswer]]:
    return {
        model: list(grade([ExamReply(q, r, "stop", 9) for q, r in zip(QUESTIONS, texts, strict=True)]).rows)
        for model, texts in GRADED.items()
    }


def test_what_the_rules_leave_open_is_asked_once_and_shown(rig, monkeypatch):
    server, context, started = rig(right)
    rows = graded()
    summary = eval_stage._summary(context, rows, QUESTIONS)
    assert rows == graded(), "the rows of the rules stay"
    assert {name: figures["strict_accuracy"] for name, figures in summary.items()} == {
        "base": 0.5, "sft": 1.0, "grpo": 0.5,
    }  # fmt: skip
    judged = {name: figures["judged"] for name, figures in summary.items()}
    assert [(f["asked"], f["share"], f["answered"], f["failed"]) for f in judged.values()] == [
        (1, 0.25, 1, 0), (0, 0.0, 0, 0), (2, 0.5, 1, 0),
    ]  # fmt: skip
    assert judged["grpo"]["judge"] == "matcher-7b"
    assert {(b["model"], b["temperature"], b["max_tokens"]) for b in server.asked} == {
        ("matcher-7b", 0.0, 99)
    }
    assert len(server.asked) == 3
    kept = context.store.read_records(JUDGED, JudgedAnswer)
    assert [(k.model, k.question_id, k.answer) for k in kept] == [
        ("base", "q0", "B"), ("grpo", "q1", "B"), ("grpo", "q2", None),
    ]  # fmt: skip

    assert eval_stage._summary(context, rows, QUESTIONS) == summary
    assert len(server.asked) == 3, "what was answered is not asked again"
    assert len(started) == 2
    log = CallLog(context.store.local_path("llm_calls.sqlite"))
    assert {call.stage for call in log.calls(status="ok")} == {"eval.answer matching"}
    log.close()

    for name, found in rows.items():
        context.store.write_records(f"eval/{name}.parquet", GradedAnswer, found)
    context.store.write_records("eval/questions.parquet", Question, QUESTIONS)
    context.store.write_json("eval/summary.json", summary)
    without_chart_code(monkeypatch)
    page = " ".join(render_page(collect(context.store)).split())
    assert "left to the judge" in page
    assert "answers B (read by the judge)" in page
    assert "answers nothing readable" in page
    assert f"{context.config.eval.judge.model} was asked which letters" in page


def test_a_judge_is_not_started_where_nothing_is_open(rig):
    server, context, started = rig(right)
    summary = eval_stage._summary(context, {"base": graded()["sft"]}, QUESTIONS)
    assert summary["base"]["judged"]["asked"] == 0
    assert (server.asked, started) == ([], [])
    assert context.store.read_records(JUDGED, JudgedAnswer) == []


def test_without_a_judge_the_summary_is_as_it_was_and_old_readings_are_gone(rig):
    server, context, _ = rig(right, extraction="rules")
    context.store.write_records(JUDGED, JudgedAnswer, [])
    summary = eval_stage._summary(context, graded(), QUESTIONS)
    assert [f["strict_accuracy"] for f in summary.values()] == [0.25, 1.0, 0.25]
    assert "judged" not in summary["base"]
    assert not context.store.exists(JUDGED)
    assert server.asked == []


def test_nothing_but_failures_ends_the_stage_and_some_are_counted(rig):
    _, context, _ = rig(lambda prompt: 400)
    with pytest.raises(TeacherError, match=r"matcher-7b answered none of 3 calls; refused: .*mend eval"):
        eval_stage._summary(context, graded(), QUESTIONS)
    _, context, _ = rig(lambda prompt: 400 if "A或B" in prompt else '{"letters": "B"}')
    found = eval_stage._summary(context, graded(), QUESTIONS)["grpo"]["judged"]
    assert (found["asked"], found["answered"], found["failed"]) == (2, 1, 1)


def test_a_judge_on_engines_sits_where_the_models_sat(rig, monkeypatch):
    _, context, _ = rig(right, judge={"model": "org/matcher", "max_tokens": 99}, engine={"threads": 3})
    places = SimpleNamespace(of=lambda role: (role, role), config=context.config)

    @contextmanager
    def placed(given, stage):
        assert (given, stage) == (context, "eval")
        yield places

    asked = []
    monkeypatch.setattr(answer_judge, "placed", placed)
    monkeypatch.setattr(answer_judge, "probe", lambda calls: _nothing())

    def start(teacher, url, stage, places):
        asked.append((teacher, places))
        return SimpleNamespace(
            teacher=teacher, complete=lambda r, p: 1 / 0, close=lambda: asked.append("closed")
        )

    monkeypatch.setattr(answer_judge, "start_llm", start)
    with pytest.raises(ZeroDivisionError):
        eval_stage._summary(context, graded(), QUESTIONS)
    (teacher, given), closed = asked
    assert (teacher.engine, teacher.model, teacher.vllm_engines) == ("vllm", "org/matcher", 2)
    assert teacher.vllm == context.config.eval.engine != EngineConfig()
    assert (teacher.temperature, teacher.max_tokens, teacher.attempts) == (0.0, 99, 1)
    assert (given, closed) == (("engine", "engine"), "closed")


async def _nothing():
    pass


def test_check_looks_for_the_judge(rig, tmp_path):
    server, context, _ = rig(right)
    assert check_run(context.config, ["eval"]).problems == []
    server.close()
    found = check_run(context.config, ["eval"])
    assert [problem.key for problem in found.problems] == ["eval.judge.model"]
    assert "eval.judge.model" not in {p.key for p in check_run(context.config, ["grpo"]).problems}
    _, context, _ = rig(right, judge={"model": str(tmp_path / "none"), "max_tokens": 99})
    assert [problem.key for problem in check_run(context.config, ["eval"]).problems] == ["eval.judge.model"]
