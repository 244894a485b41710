"""All that is wrong with a config is told at once: key, value, what is wrong, remedy."""

from __future__ import annotations

import pytest

from psyche_rl.config import parse_config
from psyche_rl.config.mistakes import mistakes
from psyche_rl.errors import ConfigError, ProblemsError
from psyche_rl.problem import Problem


def keys(**sections):
    return [problem.key for problem in mistakes({"run_dir": "x", **sections})]


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"grpo": {"reward": {"min_scores": 6}}}, "grpo.reward.min_scores"),
        ({"grpo": {"reward": {"workers": 4, "max_workers": 2}}}, "grpo.reward.max_workers"),
        ({"grpo": {"reward": {"answer_weight": 0, "format_weight": 0}}}, "grpo.reward.answer_weight"),
        ({"grpo": {"prompts_per_step": 100}}, "grpo.prompts_per_step"),
        ({"grpo": {"keep_best": True, "eval_every": 0}}, "grpo.keep_best"),
        ({"grpo": {"sleep_level": 2}}, "grpo.sleep_level"),
        ({"grpo": {"weight_backend": "ipc"}}, "grpo.weight_backend"),
        (
            {"grpo": {"weight_backend": "nccl", "placement": "colocated", "rollout_workers": 1}},
            "grpo.weight_backend",
        ),
        ({"grpo": {"weight_backend": "nccl", "staleness": 1}}, "grpo.weight_backend"),
        ({"synth": {"reply_chars": [100, 10]}}, "synth.reply_chars"),
        ({"select": {"pass_rate": [0.5, 0.2]}}, "select.pass_rate"),
        ({"select": {"skip": True, "random_grpo_share": 0}}, "select.random_grpo_share"),
        ({"select": {"selectors": ["http://a/v1"]}}, "select.selectors"),
        ({"select": {"selectors": ["http:///v1#m"]}}, "select.selectors"),
        ({"mini": {"model": {"hidden_size": 96, "heads": 5}}}, "mini.model.heads"),
        ({"mini": {"model": {"hidden_size": 96, "heads": 2}}}, "mini.model.heads"),  # heads of 48
        ({"grpo": {"max_tokens": 4096}}, "grpo.max_tokens"),
        ({"eval": {"max_tokens": 4096}}, "eval.max_tokens"),
        ({"select": {"max_tokens": 5000}}, "select.max_tokens"),
        ({"mini": {"model": {"max_positions": 512}}, "grpo": {"max_tokens": 512}}, "grpo.max_tokens"),
        ({"teacher": {"engine": "vllm", "vllm": {"max_model_len": 2048}}}, "teacher.max_tokens"),
        ({"data": {"chunk_overlap": 400}}, "data.chunk_overlap"),
        ({"data": {"questions": "q.json", "dev_share": 0}}, "data.dev_share"),
        ({"dedup": {"bands": 33}}, "dedup.bands"),
        ({"grpo": {"curriculum": "prioritized"}}, "grpo.curriculum"),  # all are wrong, so all are equal
        ({"grpo": {"curriculum": "easy_to_hard"}, "select": {"skip": True}}, "grpo.curriculum"),
    ],
)
def test_keys_that_contradict_each_other_are_told_by_name(sections, key):
    assert keys(**sections)[0] == key


@pytest.mark.parametrize(
    "url",
    ["foo", "http://", "ftp://a/v1", "http://a b/v1", "http://a:port/v1", "http://[a/v1", "http://a/v1#m"],
)
def test_an_address_is_one(url):
    assert keys(teacher={"base_url": url}) == ["teacher.base_url"]
    assert keys(teacher={"endpoints": [{"base_url": url}]}) == ["teacher.endpoints[0].base_url"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("advantage=groop", "grpo"),
        ("policy_loss=vanila", "vanilla"),
        ("kl_estimator=low_var", "low_var_kl"),
        ("loss_aggregation=token_mean", "token-mean"),
        ("rollout_is=tokens", "token"),
    ],
)
def test_a_mistyped_name_of_verl_is_told_with_the_nearest(name, meant):
    key, _, value = name.partition("=")
    (problem,) = mistakes({"run_dir": "x", "grpo": {key: value}})
    assert problem.key == f"grpo.{key}"
    assert problem.remedy == f"did you mean '{meant}'?"


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [("advantage", "gae", "values"), ("policy_loss", "dro", "dro_beta"), ("kl_estimator", "full", "logits")],
)
def test_a_name_that_cannot_be_served_is_refused_with_the_reason(key, value, reason):
    (problem,) = mistakes({"run_dir": "x", "grpo": {key: value}})
    assert reason in problem.wrong


def test_everything_wrong_is_told_at_once():
    tree = {
        "sft": {"lr": -1, "epoch": 3},
        "grpo": {"lr": 1e30, "advantage": "groop", "group_size": 3, "reward": {"min_scores": 4}},
        "learner": {"betas": [2, 3]},
        "engine": {"gpu_memory_utilization": 7, "max_model_len": 64},
        "teacher": {"base_url": "foo"},
    }
    found = mistakes(tree)
    assert {problem.key for problem in found} == {
        "run_dir",
        "sft.lr",
        "sft.epoch",
        "grpo.lr",
        "grpo.advantage",
        "grpo.reward.min_scores",
        "learner.betas[0]",
        "learner.betas[1]",
        "engine.gpu_memory_utilization",
        "teacher.base_url",
        "select.max_tokens",
        "grpo.max_tokens",
        "eval.max_tokens",
    }
    assert all(problem.remedy for problem in found)
    with pytest.raises(ProblemsError) as caught:
        parse_config(tree, "c.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == len(found)
    assert all(line.startswith("c.yaml: '") for line in lines)
    assert caught.value.exit_code == 2


def test_nothing_is_told_that_only_the_default_of_a_wrong_key_contradicts():
    # min_scores is right for the group size that was meant, whatever that is.
    assert keys(grpo={"group_size": "ten", "reward": {"min_scores": 8}}) == ["grpo.group_size"]
    assert keys(teacher={"budget": {"cost": 1}, "prices": {"scripted-teacher": {"prompt": -1}}}) == [
        "teacher.prices.scripted-teacher.prompt"
    ]


def test_a_secret_in_the_wrong_place_is_not_shown():
    for section in ({"api_key_env": "sk-SECRET"}, {"base_url": "http://me:SECRET@a/v1"}):
        with pytest.raises(ConfigError) as caught:
            parse_config({"run_dir": "x", "teacher": section}, "c.yaml")
        assert "SECRET" not in str(caught.value)


def test_a_line_holds_key_value_and_remedy_whatever_stands_in_them():
    line = Problem("a.b", "x\n" * 100, "no\ngood", "mend\nit").line()
    assert line.startswith("'a.b': no good (given: 'x\\nx")
    assert line.endswith("…); mend it")
    assert "\n" not in line
