"""An algorithm's name sets defaults; what is stated wins; what is saved means the same when it is loaded."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from psyche_rl.config import dump_config, load_config, parse_config
from psyche_rl.config.algorithms import ALGORITHMS
from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.errors import ConfigError

STATED = {
    "kl_coef": st.sampled_from([0.0, 0.001, 0.02]),
    "clip_ratio": st.sampled_from([0.1, 0.2]),
    "clip_ratio_high": st.sampled_from([0.5, 12.0, None]),
    "clip_ratio_c": st.sampled_from([3.0, 5.0]),
    "loss_aggregation": st.sampled_from(["token-mean", "seq-mean-token-sum"]),
    "advantage": st.sampled_from(["grpo", "rloo", "opo"]),
    "use_kl_in_reward": st.booleans(),
    "normalize_advantage_by_std": st.booleans(),
    "mini_batch_prompts": st.sampled_from([8, 32, 64]),
    "prompts_per_step": st.sampled_from([64, 128]),
    "max_tokens": st.sampled_from([40, 1024]),
    "overlong_buffer": st.fixed_dictionaries(
        {}, optional={"len": st.just(7), "penalty_factor": st.just(0.5)}
    ),
    "entropy_coeff": st.sampled_from([0.0, 0.01]),
}


@settings(max_examples=30)
@given(st.sampled_from(list(ALGORITHMS)), st.fixed_dictionaries({}, optional=STATED))
def test_what_is_stated_wins_and_the_saved_config_loads_to_the_same(name, stated):
    tree = {"run_dir": "x", "grpo": {"algorithm": name, **stated}}
    config = parse_config(tree, "test")
    told = config.grpo.model_dump()
    for key, value in stated.items():
        if isinstance(value, dict):
            assert {**told[key], **value} == told[key]
        else:
            assert told[key] == value
    saved = yaml.safe_load(dump_config(config))
    assert {"clip_ratio_low", "overlong_buffer", "algorithm"} <= saved["grpo"].keys()
    again = parse_config(saved, "saved")
    assert again == config
    assert dump_config(again) == dump_config(config)


def test_the_name_sets_the_published_values():
    def differs(name, **stated):
        plain, own = GrpoConfig(**stated).model_dump(), GrpoConfig(algorithm=name, **stated).model_dump()
        return {key: own[key] for key in own if own[key] != plain[key] and key != "algorithm"}

    assert differs("grpo") == {}
    assert differs("dr_grpo") == {
        "normalize_advantage_by_std": False,
        "loss_aggregation": "seq-mean-token-sum-norm",
        "kl_coef": 0,
    }
    assert differs("rloo") == {"advantage": "rloo", "use_kl_in_reward": True, "kl_estimator": "k1"}
    assert differs("reinforce_plus_plus") == {
        "advantage": "reinforce_plus_plus",
        "use_kl_in_reward": True,
        "kl_estimator": "k1",
    }
    assert differs("opo") == {"advantage": "opo", "mini_batch_prompts": 128, "kl_coef": 0}
    assert differs("opo", prompts_per_step=96) == {"advantage": "opo", "mini_batch_prompts": 96, "kl_coef": 0}
    assert differs("gspo") == {
        "policy_loss": "gspo",
        "loss_aggregation": "seq-mean-token-mean",
        "clip_ratio_low": 3e-4,
        "clip_ratio_high": 4e-4,
        "kl_coef": 0,
    }
    assert differs("cispo") == {
        "policy_loss": "cispo",
        "clip_ratio_low": 10,
        "clip_ratio_high": 0.2,
        "kl_coef": 0,
    }
    assert differs("dapo", max_tokens=20480) == {
        "clip_ratio_low": 0.2,
        "clip_ratio_high": 0.28,
        "clip_ratio_c": 10,
        "kl_coef": 0,
        "overlong_buffer": {"len": 4096, "penalty_factor": 1.0},
    }


def test_a_clip_ratio_that_is_stated_holds_for_both_sides():
    grpo = GrpoConfig(algorithm="dapo", clip_ratio=0.1)
    assert grpo.clip_range == (0.1, 0.1)
    assert grpo.clip_ratio_c == 10
    assert GrpoConfig(algorithm="dapo", clip_ratio=0.1, clip_ratio_high=0.3).clip_range == (0.1, 0.3)
    assert GrpoConfig(algorithm="dapo").clip_range == (0.2, 0.28)


def test_replies_too_short_for_a_buffer_have_none():
    assert GrpoConfig(algorithm="dapo", max_tokens=4).overlong_buffer.len == 0
    assert GrpoConfig(algorithm="dapo", max_tokens=5).overlong_buffer.len == 1


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("gsp", "did you mean 'gspo'"), ("drgrpo", "did you mean 'dr_grpo'"), ([], "give one of")],
)
def test_an_unknown_name_is_told_with_the_nearest(name, remedy):
    with pytest.raises(ConfigError, match=rf"'grpo\.algorithm': .*{remedy}"):
        parse_config({"run_dir": "x", "grpo": {"algorithm": name}}, "x.yaml")


@pytest.fixture
def file(tmp_path):
    def written(grpo):
        path = tmp_path / "c.yaml"
        path.write_text(yaml.safe_dump({"run_dir": "x", "grpo": grpo}), "utf-8")
        return path

    return written


@pytest.mark.parametrize("first", ALGORITHMS)
@pytest.mark.parametrize("second", ALGORITHMS)
def test_another_algorithm_on_a_saved_config_is_that_algorithm(tmp_path, file, first, second):
    path = file({"algorithm": first, "lr": 0.5})
    saved = tmp_path / "saved.yaml"
    saved.write_text(dump_config(load_config(path)), "utf-8")
    assert load_config(saved, [f"grpo.algorithm={second}"]).grpo == GrpoConfig(algorithm=second, lr=0.5)


def test_what_a_file_chooses_beside_its_algorithm_stays(file):
    path = file(
        {"kl_coef": 0.001, "clip_ratio": 0.2, "loss_aggregation": "seq-mean-token-sum", "max_tokens": 50}
    )
    grpo = load_config(path, ["grpo.kl_estimator=k2", "grpo.algorithm=gspo", "grpo.clip_ratio_c=3"]).grpo
    assert (grpo.kl_coef, grpo.clip_range) == (0, (3e-4, 4e-4))  # what grpo has anyway
    assert (grpo.loss_aggregation, grpo.max_tokens) == ("seq-mean-token-sum", 50)
    assert (grpo.kl_estimator, grpo.clip_ratio_c) == ("k2", 3)
    assert load_config(path, ["grpo.kl_coef=0.001", "grpo.algorithm=gspo"]).grpo.kl_coef == 0.001


def test_a_number_that_yaml_reads_as_text_is_the_same_number(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        "run_dir: x\ngrpo: {algorithm: gspo, clip_ratio_low: 3e-4, clip_ratio_high: 5e-4}\n", "utf-8"
    )
    assert load_config(path).grpo.clip_range == (3e-4, 5e-4)
    grpo = load_config(path, ["grpo.algorithm=cispo"]).grpo
    assert (grpo.clip_ratio_low, grpo.clip_ratio_high) == (10, 5e-4)
