"""Config: defaults of the paper, overrides, and one line for every mistake."""

import pytest
import yaml
from pydantic import ValidationError

from psyche_rl.config import RunConfig, dump_config, load_config, parse_config
from psyche_rl.errors import ConfigError


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("run_dir: runs/x\ngrpo:\n  lr: 1e-4\nmini:\n", "utf-8")
    return path


def test_defaults_are_the_papers():
    config = RunConfig(run_dir="x")
    assert (config.sft.lr, config.sft.batch_size, config.sft.epochs, config.sft.warmup_ratio) == (
        1e-5,
        256,
        2,
        0.1,
    )
    grpo = config.grpo
    assert (grpo.lr, grpo.prompts_per_step, grpo.mini_batch_prompts, grpo.group_size) == (1e-6, 128, 32, 5)
    assert (grpo.kl_coef, grpo.kl_estimator, grpo.clip_ratio, grpo.loss_aggregation) == (
        1e-3,
        "low_var_kl",
        0.2,
        "token-mean",
    )
    assert (grpo.warmup_steps, grpo.epochs) == (10, 2)
    assert config.engine.trust_remote_code is False


def test_overrides_are_yaml_and_reach_any_depth(path):
    config = load_config(
        path,
        [
            "grpo.reward.format_weight=0.25",
            "select.selectors=[a, b]",
            "model=null",
            "mini.model.layers=3",
            "grpo.lr=3e-5",
        ],
    )
    assert config.grpo.reward.format_weight == 0.25
    assert config.select.selectors == ("a", "b")
    assert config.model is None
    assert config.mini is not None
    assert config.mini.model.layers == 3
    assert config.grpo.lr == 3e-5  # YAML 1.1 reads 3e-5 as a string


def test_an_override_may_contain_an_equals_sign(path):
    assert load_config(path, ["prompt.instruction=a=b"]).prompt.instruction == "a=b"


def test_dump_and_load_give_the_same_config(tmp_path, path):
    config = load_config(path, ["mini.key_omission=0.5", "data.questions=考试", "learner.betas=[0.9, 0.95]"])
    saved = tmp_path / "saved.yaml"
    saved.write_text(dump_config(config), "utf-8")
    assert load_config(saved) == config
    assert yaml.safe_load(dump_config(config))["data"]["questions"] == "考试"


def test_a_config_cannot_be_changed():
    with pytest.raises(ValidationError):
        RunConfig(run_dir="x").seed = 3


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (
            {"run_dir": "x", "grpo": {"group_sise": 3}},
            "'grpo.group_sise': unknown key (given: 3); did you mean 'grpo.group_size'?",
        ),
        (
            {"run_dir": "x", "mini": {"model": {"layer": 3}}},
            "'mini.model.layer': unknown key (given: 3); did you mean 'mini.model.layers'?",
        ),
        (
            {"run_dir": "x", "group_size": 3},
            "'group_size': unknown key (given: 3); did you mean 'grpo.group_size'?",
        ),
        (
            {"run_dir": "x", "sft": {"zzzz": 3}},
            "'sft.zzzz': unknown key (given: 3); keys here: lr, batch_size",
        ),
        ({}, "'run_dir': Field required"),
        ({"run_dir": "x", "grpo": {"lr": "fast"}}, "'grpo.lr': Input should be a valid number"),
        ({"run_dir": "x", "grpo": 3}, "'grpo': Input should be a valid dictionary"),
        (
            {"run_dir": "x", "grpo": {"prompts_per_step": 10, "mini_batch_prompts": 4}},
            "must be a multiple of",
        ),
        ({"run_dir": "x", 3: 4}, "'3'"),
    ],
)
def test_a_wrong_key_or_value_is_one_line_that_names_it(tree, message):
    with pytest.raises(ConfigError) as caught:
        parse_config(tree, source="c.yaml")
    assert str(caught.value).startswith("c.yaml: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["group_size", "grpo.grup_size"])
def test_an_override_of_an_unknown_key_suggests_one(path, key):
    with pytest.raises(ConfigError, match=r"did you mean 'grpo\.group_size'"):
        load_config(path, [f"{key}=4"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("grpo.lr", "write it as key.sub=value"),
        ("=3", "write it as key.sub=value"),
        ("grpo.lr.x=3", "'lr' is a value, not a section"),
        ("model=[", "not valid YAML"),
        ("grpo..lr=3", "unknown key"),
        ("mini={selectors: [llama, llama]}", "a family is named twice"),
    ],
)
def test_a_wrong_override_is_one_line(path, override, message):
    with pytest.raises(ConfigError, match=message):
        load_config(path, [override])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", "not valid YAML"),
        (b"- a\n- b\n", "a config is a mapping"),
        (b"", "a config is a mapping"),
        ("种子: 1".encode("gb18030"), "not valid YAML"),
    ],
)
def test_a_file_that_is_no_config_is_one_line(tmp_path, content, message):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path)
    assert "bad.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)
