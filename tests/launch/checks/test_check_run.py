"""``check``: what a run would trip over later is told before anything is paid, all at once."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from chat_templates import GEMMA, MISTRAL
from safetensors.numpy import save_file
from tiny_models import byte_tokenizer
from typer.testing import CliRunner

from launch.checks import disk_room, machine
from launch.checks.preflight import check_run, refuse
from launch.checks.run_findings import RunFindings
from launch.cli.app import app
from psyche_rl.config import load_config, parse_config
from psyche_rl.errors import ProblemsError
from psyche_rl.placement.cluster_shape import ClusterShape, Node

ROOT = Path(__file__).parents[3]
PRESETS = ["launch/configs/mini.yaml", "examples/law_mcq/config.yaml", "tests/e2e/tiny.yaml"]
ALL = ("world", "synth", "select", "sft", "grpo", "eval", "report")
SHORT = {"engine": {"max_model_len": 400}, "select": {"max_tokens": 32}}
SHORT |= {"grpo": {"max_tokens": 32}, "eval": {"max_tokens": 32}}


def found(tmp_path, stages=ALL, **sections):
    return check_run(parse_config({"run_dir": str(tmp_path / "run"), **sections}, "c.yaml"), stages)


def problems(tmp_path, stages=ALL, **sections):
    """Key -> what is wrong with it."""
    return {p.key: f"{p.wrong}; {p.remedy}" for p in found(tmp_path, stages, **sections).problems}


@pytest.fixture
def model(tmp_path):
    """A model folder with all that is wanted but sensible weights."""
    folder = tmp_path / "model"
    byte_tokenizer().save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 512}), "utf-8")
    save_file({"w": np.zeros((2, 2), dtype=np.float32)}, folder / "model.safetensors")
    return folder


@pytest.fixture
def exam(tmp_path):
    path = tmp_path / "exam.jsonl"
    rows = [
        {"question": f"第{n}题，下列哪项正确？", "options": {"A": f"甲{n}", "B": f"乙{n}"}, "answer": "A"}
        for n in range(20)
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize("preset", PRESETS)
def test_the_presets_that_need_nothing_pass(preset, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    config = load_config(preset, [f"run_dir={tmp_path}/run"])
    assert check_run(config, ALL).problems == []


def test_what_no_mini_world_makes_must_be_given(tmp_path):
    assert set(problems(tmp_path)) == {
        "data.passages",
        "data.posts",
        "teacher.base_url",
        "select.selectors",
        "model",
        "data.questions",
    }
    assert set(problems(tmp_path, ["sft"])) == {"model"}


def test_each_path_that_leads_nowhere_is_told(tmp_path):
    missing = str(tmp_path / "none.jsonl")
    wrong = problems(
        tmp_path,
        mini={},
        data={"passages": missing, "posts": missing, "questions": missing},
        decontaminate={"against": [missing]},
        model=missing,
        select={"selectors": [missing]},
        grpo={"reward": {"config": missing}},
    )
    assert set(wrong) == {
        "data.passages",
        "data.posts",
        "data.questions",
        "decontaminate.against[0]",
        "model",
        "select.selectors[0]",
        "grpo.reward.config",
    }
    assert all("none.jsonl" in text for text in wrong.values())


def test_only_what_the_wanted_stages_read_is_looked_at(tmp_path):
    missing = str(tmp_path / "none.jsonl")
    given = {"mini": {}, "data": {"passages": missing}, "grpo": {"reward": {"config": missing}}}
    assert set(problems(tmp_path, ["synth"], **given)) == {"data.passages"}
    assert set(problems(tmp_path, ["grpo"], **given)) == {"grpo.reward.config"}
    assert set(problems(tmp_path, ["eval"], **given)) == set()


def test_a_run_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x", "utf-8")
    for run_dir in (f"{tmp_path}/file/run", "nonsense://bucket/run"):
        config = parse_config({"run_dir": run_dir, "mini": {}}, "c.yaml")
        assert [p.key for p in check_run(config, ["report"]).problems] == ["run_dir"]


def test_a_server_that_is_not_there(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        given = {"mini": {}, "teacher": {"base_url": url}, "select": {"selectors": [f"{url}#m"]}}
        assert set(problems(tmp_path, **given)) == {"teacher.base_url", "select.selectors[0]"}
        free.listen()
        seen = found(tmp_path, **given)
    assert seen.problems == []
    assert any("whether" in line and url in line for line in seen.unchecked)


def test_a_sound_model_passes(tmp_path, model):
    used = {"model": str(model), "mini": {}, **SHORT}
    used["select"] = {"max_tokens": 32, "selectors": [str(model)]}
    assert problems(tmp_path, **used) == {}


def _no_weights(folder):
    (folder / "model.safetensors").unlink()


def _cut_weights(folder):
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:20])


def _shard_missing(folder):
    index = {"weight_map": {"w": "model.safetensors", "v": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")


def _no_tokenizer(folder):
    (folder / "tokenizer.json").unlink()


def _broken_tokenizer(folder):
    (folder / "tokenizer.json").write_text("{}", "utf-8")


def _with_template(template, **changes):
    def change(folder):
        tokenizer = byte_tokenizer()
        tokenizer.chat_template = template
        for name, value in changes.items():
            setattr(tokenizer, name, value)
        (folder / "chat_template.jinja").unlink(missing_ok=True)
        tokenizer.save_pretrained(folder)

    return change


GOOD = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
NO_TURNS = "{% if messages[1] %}{{ raise_exception('one turn only') }}{% endif %}" + GOOD
DEAF = "{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }}{% endif %}{% endfor %}"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_no_weights, "no *.safetensors"),
        (_cut_weights, "cannot be read"),
        (_shard_missing, "model-2.safetensors are missing"),
        (_no_tokenizer, "no tokenizer"),
        (_broken_tokenizer, "tokenizer cannot be loaded"),
        (_with_template(None), "chat template fails"),
        (_with_template(NO_TURNS), "one turn only"),
        (_with_template(DEAF), "leaves out what the assistant says"),
        (_with_template(GOOD, eos_token=None), "no end-of-text token"),
    ],
)
def test_a_model_that_cannot_be_used_is_told_with_the_reason(tmp_path, model, spoil, told):
    spoil(model)
    wrong = problems(tmp_path, ["sft"], model=str(model), mini={}, **SHORT)
    assert set(wrong) == {"model"}
    assert told in wrong["model"]


def test_a_selector_may_end_by_its_generation_config_alone(tmp_path, model):
    _with_template(GOOD, eos_token=None)(model)
    used = {"mini": {}, **SHORT, "select": {"max_tokens": 32, "selectors": [str(model)]}}
    assert "no end-of-text token" in problems(tmp_path, ["select"], **used)["select.selectors[0]"]
    (model / "generation_config.json").write_text("{", "utf-8")
    assert "no end-of-text token" in problems(tmp_path, ["select"], **used)["select.selectors[0]"]
    (model / "generation_config.json").write_text('{"eos_token_id": [2]}', "utf-8")
    assert problems(tmp_path, ["select"], **used) == {}


@pytest.mark.parametrize(("template", "told"), [(GEMMA, "System role not supported"), (MISTRAL, "alternate")])
def test_a_template_that_refuses_a_system_turn_only_is_named(tmp_path, model, template, told):
    _with_template(template)(model)
    seen = found(tmp_path, ["sft"], model=str(model), mini={}, **SHORT)
    assert seen.problems == []
    (line,) = (line for line in seen.unchecked if "begin with a system turn" in line)
    assert told in line


def test_a_context_without_room_for_prompt_and_reply(tmp_path, model):
    given = {**SHORT, "engine": {"max_model_len": 2048}, "grpo": {"max_tokens": 500}}
    wrong = problems(tmp_path, ["grpo", "eval"], model=str(model), mini={}, **given)
    assert set(wrong) == {"grpo.max_tokens"}  # the model holds 512, whatever the engine would
    assert "512 tokens" in wrong["grpo.max_tokens"]


def test_a_model_that_is_to_be_fetched_is_named_as_not_checked(tmp_path):
    seen = found(tmp_path, ["sft"], model="owner/name", mini={})
    assert seen.problems == []
    assert any("owner/name" in line for line in seen.unchecked)


def test_the_exam_must_hold_questions_that_can_be_graded(tmp_path, exam):
    assert problems(tmp_path, ["eval"], mini={}, data={"questions": str(exam)}) == {}
    share = problems(tmp_path, ["eval"], mini={}, data={"questions": str(exam), "dev_share": 0.99})
    assert set(share) == {"data.dev_share"}
    rows = [{"id": "1", "kind": "short", "stem": "什么是记忆？", "gold": "编码；储存", "source": "x"}]
    exam.write_text(json.dumps(rows[0], ensure_ascii=False) + "\n", "utf-8")
    assert (
        "can be graded"
        in problems(tmp_path, ["eval"], mini={}, data={"questions": str(exam)})["data.questions"]
    )
    exam.write_text('{"nothing": 1}\n', "utf-8")
    assert (
        "no exam question"
        in problems(tmp_path, ["eval"], mini={}, data={"questions": str(exam)})["data.questions"]
    )


OWN = """
from rewards import Reward, RewardSample, Score
class Own(Reward):
    name = "own"
    def score(self, sample):
        {body}
"""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return 1.0", "which is no Score"),
        ("return 1 / 0", "ZeroDivisionError"),
        ("while True: pass", "no score within"),
        ("return Score.of(1.0)", None),
        ("return Score.failed('bad_gold', 'not mine')", None),
    ],
)
def test_a_reward_class_must_return_a_score(tmp_path, body, told):
    (tmp_path / "mine.py").write_text(OWN.format(body=body), "utf-8")
    (tmp_path / "set.yaml").write_text("reward: mine:Own\n", "utf-8")
    reward = {"config": str(tmp_path / "set.yaml"), "timeout_s": 1.0}
    wrong = problems(tmp_path, ["grpo"], mini={}, grpo={"reward": reward})
    if told is None:
        assert wrong == {}
    else:
        assert told in wrong["grpo.reward.config"]


def test_a_judge_is_not_asked(tmp_path):
    (tmp_path / "set.yaml").write_text(
        "{reward: rubric_judge, endpoint: 'http://127.0.0.1:9/v1', model: m}", "utf-8"
    )
    seen = found(tmp_path, ["grpo"], mini={}, grpo={"reward": {"config": str(tmp_path / "set.yaml")}})
    assert seen.problems == []
    assert any("asks a server" in line for line in seen.unchecked)


@pytest.mark.parametrize(
    ("sections", "gpus", "keys"),
    [
        ({}, 3, []),
        ({}, 2, ["grpo.rollout_workers"]),  # one rank, two workers
        ({"grpo": {"reference_workers": 1}}, 3, ["grpo.rollout_workers"]),
        ({"grpo": {"reference_workers": 1, "kl_coef": 0}}, 3, []),
        ({"engine": {"tensor_parallel_size": 2}}, 4, ["grpo.rollout_workers"]),
        ({"grpo": {"placement": "colocated", "ranks": 1, "rollout_workers": 1}}, 1, []),
        ({"grpo": {"placement": "split", "ranks": 1, "rollout_workers": 1}}, 1, ["grpo.ranks"]),
        ({"sft": {"ranks": 8}, "eval": {"workers": 5}}, 4, ["sft.ranks", "eval.workers"]),
        ({"sft": {"ranks": 8, "skip": True}}, 4, []),
        (
            {"teacher": {"engine": "vllm", "vllm_engines": 5, "max_tokens": 32}},
            4,
            ["teacher.vllm_engines"],
        ),
        ({"select": {"selectors": ["a/b"], "engines_per_selector": 5}}, 4, ["select.engines_per_selector"]),
        ({"select": {"selectors": ["http://a/v1#m"], "engines_per_selector": 5}}, 4, []),
        ({"sft": {"ranks": 8}}, 0, []),  # on CPU ranks share cores
    ],
)
def test_stages_that_take_more_gpus_than_there_are(sections, gpus, keys):
    findings = RunFindings()
    config = parse_config({"run_dir": "x", "mini": {}, **sections}, "c")
    machine.check_places(config, ALL, ClusterShape((Node(gpus=gpus),)), findings)
    assert [problem.key for problem in findings.problems] == keys


def test_a_disk_without_room_for_the_checkpoints(tmp_path, model, monkeypatch):
    usage = type("Usage", (), {"free": 2 * disk_room.GIB})
    monkeypatch.setattr(disk_room.shutil, "disk_usage", lambda _: usage)
    given = {"model": str(model), "mini": {}, **SHORT}
    assert problems(tmp_path, **given) == {}
    monkeypatch.setattr(
        disk_room, "parameter_shapes", lambda _: {"model.layers.0.q_proj.weight": (1000, 10**6)}
    )
    # 4 checkpoints of 12 bytes a parameter, two models in bfloat16 and a GiB for the rest.
    assert "2.0 GiB free; 4 checkpoints, the trained models and records take 49.4" in problems(
        tmp_path, **given
    )["run_dir"].replace(str(tmp_path), "")  # fmt: skip
    # Adapters of rank 8 have 8 * (1000 + 10**6) parameters.
    assert "take 5.1" in problems(tmp_path, **given, lora={"rank": 8})["run_dir"]


def test_a_model_of_the_hub_has_a_known_size_and_what_is_written_already_counts(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 200 * disk_room.GIB})
    monkeypatch.setattr(disk_room.shutil, "disk_usage", lambda _: usage)
    config = parse_config({"run_dir": str(tmp_path), "model": "Qwen/Qwen2.5-7B-Instruct"}, "c")

    def told(stage):
        found = RunFindings()
        disk_room.check_disk(config, [stage], found, least=0)
        return "".join(problem.wrong for problem in found.problems)

    assert told("sft") == told("select") == ""
    assert "200.0 GiB free; 3 checkpoints, the trained models and records take 269.5" in told("grpo")
    (tmp_path / "grpo").mkdir()
    with (tmp_path / "grpo" / "weights").open("wb") as file:
        file.truncate(90 * disk_room.GIB)  # takes no room
    assert told("grpo") == ""


def test_a_cluster_at_which_nothing_answers_is_named_at_once_where_a_stage_needs_one(tmp_path, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setattr("ray.is_initialized", lambda: False)
        assert "nothing answers" in problems(tmp_path, mini={}, **SHORT)["RAY_ADDRESS"]
        assert "RAY_ADDRESS" not in problems(tmp_path, ["report"], mini={}, **SHORT)


def test_an_empty_address_starts_no_ray(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "")
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr("actors.cluster.connect", lambda: pytest.fail("Ray is started"))
    problems(tmp_path, mini={}, **SHORT)


def test_a_cluster_is_joined_and_counted(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr("actors.cluster.connect", lambda pass_env: None)
    monkeypatch.setattr("actors.placement.live_cluster.live_shape", lambda: ClusterShape((Node(gpus=1),)))
    told = problems(tmp_path, mini={}, **SHORT)
    assert any("GPUs, the cluster has 1 and" in wrong for wrong in told.values())


def test_a_variable_that_is_to_be_passed_on_and_is_not_set_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "t")
    monkeypatch.delenv("MY_PROXY", raising=False)
    cluster = {"pass_env": ["HF_TOKEN", "MY_PROXY", "NCCL_*"]}
    told = problems(tmp_path, mini={}, cluster=cluster, **SHORT)
    assert told["cluster.pass_env"] == "is not set here; export it, or take its name out"
    assert "MY_PROXY" in [p.value for p in found(tmp_path, mini={}, cluster=cluster, **SHORT).problems]


def test_all_problems_end_the_run_at_once(tmp_path):
    seen = found(tmp_path)
    with pytest.raises(ProblemsError) as caught:
        refuse("c.yaml", seen.problems)
    assert len(str(caught.value).splitlines()) == len(seen.problems) > 3
    refuse("c.yaml", [])


def test_the_command_prints_each_problem_and_ends_with_2(tmp_path, exam):
    config = tmp_path / "c.yaml"
    config.write_text(f"run_dir: {tmp_path}/run\nmini: {{}}\n", "utf-8")
    command = CliRunner().invoke
    good = command(app, ["check", str(config)])
    assert good.exit_code == 0
    assert f"ok: {config}" in good.output
    assert "not checked: " in command(app, ["check", str(config), "model=nobody/nothing"]).output
    assert not (tmp_path / "run").exists()
    bad = command(app, ["check", str(config), "data.passages=none.txt", f"model={tmp_path}/none"])
    lines = [line for line in bad.output.splitlines() if line.startswith("error: ")]
    assert bad.exit_code == 2
    assert ["data.passages" in lines[0], "model" in lines[1]] == [True, True]
    at_load = command(app, ["check", str(config), "sft.lr=-1", "grpo.advantage=groop"])
    assert at_load.exit_code == 2
    assert [line.count("error: ") for line in at_load.output.splitlines()] == [1, 1]
    one = command(app, ["check", str(config), "data.passages=none.txt", "--stage", "eval"])
    assert one.exit_code == 0
    assert command(app, ["check", str(config), "--stage", "evil"]).exit_code == 2


def test_a_relative_run_folder_is_refused_in_a_job_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for given in ("run", "./run", "~/run", str(tmp_path / "run"), "memory://run"):
        monkeypatch.delenv("RAY_JOB_CONFIG_JSON_ENV_VAR", raising=False)
        config = parse_config({"run_dir": given, "mini": {}}, "c")
        assert "run_dir" not in {p.key for p in check_run(config, ["report"]).problems}
        monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
        told = {p.key: p.line() for p in check_run(config, ["report"]).problems}
        assert ("run_dir" in told) == (given in ("run", "./run"))
        assert "that Ray removes" in told.get("run_dir", "that Ray removes")


def test_the_plan_is_shown_for_a_pretended_cluster(tmp_path):
    config = str(ROOT / "launch/configs/mini.yaml")
    shown = CliRunner().invoke(app, ["check", config, f"run_dir={tmp_path}/run", "--cluster", "1x1x24"])
    assert shown.exit_code == 0
    words = " ".join(shown.output.split())
    assert "who sits where" in words
    assert "learner 0," in words
    few = [
        "check",
        config,
        f"run_dir={tmp_path}/run",
        "grpo.ranks=3",
        "grpo.placement=split",
        "--cluster",
        "1x2x24",
    ]
    told = CliRunner().invoke(app, few)
    assert told.exit_code == 2
    assert "grpo needs 4 GPUs, the cluster has 2 and may grow to 2" in told.output
    assert CliRunner().invoke(app, ["check", config, "--cluster", "many"]).exit_code == 2


def test_nothing_heavy_is_imported_where_no_model_is_given(tmp_path):
    (tmp_path / "c.yaml").write_text(f"run_dir: {tmp_path}/run\nmini: {{}}\n", "utf-8")
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom launch.cli.app import app\n"
        "print(CliRunner().invoke(app, ['check', sys.argv[1]]).exit_code)\n"
        "print({n.split('.')[0] for n in sys.modules} & {'torch', 'ray', 'vllm', 'transformers', 'verl'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "c.yaml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["0", "set()"]


def test_benchmarks_of_the_training_are_there_with_their_data(tmp_path):
    named = [
        {"benchmark": "mini_exam"},
        {"benchmark": "pcebb"},
        {"benchmark": "pceb", "data": str(tmp_path / "no")},
    ]
    said = problems(tmp_path, ("grpo",), **{**SHORT, "grpo": {**SHORT["grpo"], "evaluations": named}})
    told = {key: wrong for key, wrong in said.items() if key.startswith("grpo.evaluations")}
    assert set(told) == {"grpo.evaluations[1].benchmark", "grpo.evaluations[2].data"}
    assert "did you mean 'pceb'?" in told["grpo.evaluations[1].benchmark"]
