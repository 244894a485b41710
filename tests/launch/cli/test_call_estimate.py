import yaml
from typer.testing import CliRunner

from launch.cli.app import app
from launch.cli.call_estimate import planned
from psyche_rl.config import parse_config
from psyche_rl.config.teacher import PriceConfig, TeacherConfig
from psyche_rl.llm.estimate import PlannedCalls, estimate, rough_tokens

MINI = {"run_dir": "r", "mini": {}}


def test_tokens_by_characters():
    assert rough_tokens("abcd" * 10) == 10
    assert rough_tokens("心理" * 7) == 10


def test_costs_are_calls_times_tokens_times_price():
    teacher = TeacherConfig(model="m", max_tokens=50, prices={"m": PriceConfig(prompt=1.0, completion=2.0)})
    [row] = estimate([PlannedCalls("synth.questions", 1000, 200.0, 80.0)], teacher)
    assert (row.calls, row.prompt_tokens, row.completion_tokens) == (1000, 200_000, 50_000)
    assert round(row.cost, 9) == 0.3


def test_the_mini_world_is_planned_as_the_stage_will_ask():
    synth = {"single_per_passage": 4, "multiple_per_passage": 0, "questions_per_call": 2, "rewrite_rounds": 2}
    rows = {row.stage: row for row in planned(parse_config({**MINI, "synth": synth}, "test"))}
    asks, questions = rows["synth.questions"].calls, 2 * rows["synth.questions"].calls
    assert asks > 100
    assert rows["synth.rationales"].calls == 3 * questions
    assert rows["synth.prompt rewriting"].calls == 2 * questions
    assert rows["synth.empathy"].calls > 0


def test_a_dry_run_prints_sums_and_the_budget_and_makes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("psyche_rl.mini.teacher.process.start_teacher", None)
    prices = {"scripted-teacher": {"prompt": 1, "completion": 2}}
    tree = {**MINI, "run_dir": str(tmp_path / "run"), "teacher": {"prices": prices, "budget": {"cost": 0.01}}}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(tree))
    for command in (["run"], ["synth"]):
        result = CliRunner().invoke(app, [*command, str(config), "--dry-run"])
        assert result.exit_code == 0, result.stderr
        assert "an estimate:" in result.stdout
        assert "more than teacher.budget.cost=0.01" in result.stdout
    assert not (tmp_path / "run").exists()
