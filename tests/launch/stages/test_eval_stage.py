"""The eval stage on a real pool: three models, two architectures, one table."""

import io

import pytest
from tiny_models import save_model_that_says, save_tiny_model

from actors.rollout.model_sequence import ModelSequence
from launch.stages import eval as eval_stage
from psyche_rl.config import parse_config
from psyche_rl.errors import ModelError
from psyche_rl.evaluation import GradedAnswer
from psyche_rl.evaluation.judged_answer import JUDGED, JudgedAnswer
from psyche_rl.events import Events
from psyche_rl.records import Question
from psyche_rl.run_context import StageContext
from psyche_rl.store import RunStore

EAGER = {"enforce_eager": True}


def ask(i: int, stem: str = "问") -> Question:
    kind, gold = ("single", "A") if i % 2 else ("multiple", "AB")
    return Question(id=f"q{i}", kind=kind, stem=stem, options=("a", "b"), gold=gold, source="t")


def context_in(tmp_path, **evaluation):
    tree = {
        "run_dir": str(tmp_path / "run"),
        "mini": {},
        "eval": {"max_tokens": 6, "bootstrap_samples": 50, **evaluation},
        "select": {"max_tokens": 6},
        "grpo": {"rollout_workers": 1, "wait_s": 120, "max_tokens": 6},
        "engine": {"dtype": "float32", "max_model_len": 200, "kv_cache_mib": 16, "threads": 1, **EAGER},
        "prompt": {"instruction": ""},
    }  # fmt: skip
    config = parse_config(tree, "test")
    store = RunStore(config.run_dir)
    store.write_records("world/exam_dev.parquet", Question, [ask(99)])
    store.write_records("world/exam_test.parquet", Question, [*map(ask, range(10)), ask(10, stem="长" * 100)])
    save_tiny_model(store.local_path("world/base"), "qwen2", seed=0)
    save_tiny_model(store.local_path("sft/model"), "qwen2", seed=1)
    save_tiny_model(store.local_path("grpo/model"), "llama", seed=1)
    return StageContext(config, store, Events(store, io.StringIO()), tmp_path)


@pytest.fixture
def context(tmp_path):
    return context_in(tmp_path)


@pytest.mark.slow
def test_three_models_are_graded_and_none_is_asked_twice(ray_local, context, monkeypatch, capsys):
    store = context.store
    counts = eval_stage.run(context)
    assert (counts["questions"], counts["too_long"]) == (11, 1)
    summary = store.read_json("eval/summary.json")
    assert list(summary) == ["base", "sft", "grpo"]
    responses = set()
    for name, figures in summary.items():
        rows = store.read_records(f"eval/{name}.parquet", GradedAnswer)
        assert [row.question_id for row in rows] == [f"q{i}" for i in range(11)]
        assert (rows[10].correct, rows[10].response, rows[10].response_length) == (False, "", 0)
        assert all(row.response_length > 0 for row in rows[:10])
        assert (figures["n"], set(figures["by_kind"])) == (11, {"single", "multiple"})
        responses.add(tuple(row.response for row in rows))
    assert len(responses) == 3, "each model must answer with its own weights"
    assert "GRPO" in capsys.readouterr().out

    store.remove("eval/grpo.parquet")
    before = [store.read_bytes(f"eval/{name}.parquet") for name in ("base", "sft")]
    asked = []
    monkeypatch.setattr(ModelSequence, "serving", lambda self, folder, version: asked.append(folder) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        eval_stage.run(context)
    assert asked == [f"{store.url}/grpo/model"]
    assert [store.read_bytes(f"eval/{name}.parquet") for name in ("base", "sft")] == before


@pytest.mark.slow
def test_a_judge_on_an_engine_reads_what_the_rules_leave_open(ray_local, tmp_path):
    says = tmp_path / "says"
    save_model_that_says(says, '{"letters":"A"}')
    context = context_in(
        tmp_path,
        extraction="rules+judge",
        judge={"model": str(says), "max_tokens": 16},
        engine={"max_model_len": 4096},
    )
    save_tiny_model(context.store.local_path("grpo/model"), "qwen2", seed=2)  # one engine for all three
    counts = eval_stage.run(context)
    summary = context.store.read_json("eval/summary.json")
    judged = [figures["judged"] for figures in summary.values()]
    asked = sum(each["asked"] for each in judged)
    assert counts["judged"] == asked > 0
    assert [(each["answered"], each["failed"]) for each in judged] == [(each["asked"], 0) for each in judged]
    readings = context.store.read_records(JUDGED, JudgedAnswer)
    assert [(each.answer, each.error) for each in readings] == [("A", None)] * asked
    rules = {name: context.store.read_records(f"eval/{name}.parquet", GradedAnswer) for name in summary}
    for name, figures in summary.items():
        found = {each.question_id for each in readings if each.model == name and each.correct}
        right = sum(row.correct for row in rules[name]) + len(found)
        assert figures["strict_accuracy"] == pytest.approx(right / len(rules[name]))


def test_a_model_without_tokenizer_is_told_before_anything_starts(context):
    for file in context.store.local_path("sft/model").glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ModelError, match=r"sft/model: no tokenizer"):
        eval_stage.run(context)
