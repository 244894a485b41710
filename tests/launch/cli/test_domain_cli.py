"""``psyche-rl domain``, and what a run says of a domain that is missing or broken."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from launch.checks.preflight import check_run
from launch.cli.app import app
from psyche_rl.config import load_config, parse_config

ROOT = Path(__file__).parents[3]


def psyche_rl(*words):
    return CliRunner().invoke(app, ["domain", *map(str, words)])


def test_a_new_one_is_whole_and_says_what_to_do_with_it(tmp_path):
    made = psyche_rl("new", tmp_path / "own")
    assert made.exit_code == 0
    assert f"run with domain={tmp_path}/own" in made.stdout
    checked = psyche_rl("check", tmp_path / "own")
    assert re.fullmatch(
        r"ok: psychology: 13 prompts, 9 issue codes, cues builtin, version [0-9a-f]{12}\n", checked.stdout
    )
    again = psyche_rl("new", tmp_path / "own")
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)
    assert "there is something already" in again.stderr


def test_a_broken_one_is_told_fault_by_fault(tmp_path):
    psyche_rl("new", tmp_path / "own")
    (tmp_path / "own" / "prompts" / "gate.j2").unlink()
    (tmp_path / "own" / "domain.yaml").write_text("version: 1", "utf-8")
    checked = psyche_rl("check", tmp_path / "own")
    assert checked.exit_code == 2
    assert "error: " in checked.stderr
    assert "gate.j2': no such file" in checked.stderr
    assert len(checked.stderr.splitlines()) > 5


@pytest.mark.parametrize(
    ("domain", "wrong"),
    [("psycology", "is neither built in"), ("{tmp}", "domain.yaml: no such file"), ("psychology", None)],
)
def test_a_check_of_a_run_names_the_key(tmp_path, domain, wrong):
    (tmp_path / "d").mkdir()
    given = {"run_dir": str(tmp_path / "run"), "mini": {}, "domain": domain.format(tmp=tmp_path / "d")}
    config = parse_config(given, "c.yaml")
    problems = [p for p in check_run(config, ["synth"]).problems if p.key == "domain"]
    assert bool(problems) == (wrong is not None)
    assert wrong is None or wrong in problems[0].line()
    assert not [p for p in check_run(config, ["sft"]).problems if p.key == "domain"]


def test_an_estimate_counts_the_words_of_the_domain_at_hand(monkeypatch, tmp_path):
    from launch.cli.call_estimate import planned

    monkeypatch.chdir(ROOT)
    config = load_config("examples/law_mcq/config.yaml", [])
    psyche_rl("new", tmp_path / "own", "--like", config.domain)
    prompt = tmp_path / "own" / "prompts" / "empathy.j2"
    prompt.write_text(prompt.read_text("utf-8") + "字" * 1400, "utf-8")
    longer = config.model_copy(update={"domain": str(tmp_path / "own")})
    asked = [{p.stage: p.prompt_tokens for p in planned(c)} for c in (config, longer)]
    assert asked[1]["synth.empathy"] - asked[0]["synth.empathy"] == pytest.approx(1000, abs=1)
    assert asked[1]["synth.questions"] == asked[0]["synth.questions"]


def test_texts_of_the_mini_world_are_no_texts_of_another_domain(monkeypatch):
    from data_pipeline.domains import load_domain
    from data_pipeline.synthesis.texts import source_paths
    from psyche_rl.errors import ConfigError

    monkeypatch.chdir(ROOT)
    law = load_domain("examples/law_mcq/domain")
    for missing in ("passages", "posts"):
        config = load_config("examples/law_mcq/config.yaml", [f"data.{missing}=null"])
        with pytest.raises(ConfigError, match=rf"data\.{missing} is not set, .* no texts of law; set it"):
            source_paths(config, law)
        assert source_paths(config, load_domain("psychology"))
