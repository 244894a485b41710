"""Keys of the objective that cannot go together are told with a remedy; their neighbours are let in."""

import pytest

from psyche_rl.config import parse_config
from psyche_rl.errors import ConfigError


def grpo(**keys):
    return parse_config({"run_dir": "x", "grpo": keys}, "x.yaml").grpo


@pytest.mark.parametrize(
    ("keys", "key", "remedy"),
    [
        ({"clip_ratio_low": 0.3}, "clip_ratio_low", r"raise clip_ratio_high \(clip-higher\) or lower"),
        ({"clip_ratio_high": 0.1}, "clip_ratio_low", "raise clip_ratio_high"),
        ({"policy_loss": "gspo", "clip_ratio_low": 0.3}, "clip_ratio_low", "raise clip_ratio_high"),
        ({"policy_loss": "sapo"}, "loss_aggregation", "set loss_aggregation=seq-mean-token-mean"),
        ({"policy_loss": "geo_mean"}, "loss_aggregation", "set loss_aggregation=seq-mean-token-mean"),
        ({"use_kl_in_reward": True, "kl_estimator": "k3+"}, "kl_estimator", "take k3$"),
        (
            {"algorithm": "reinforce_plus_plus", "policy_loss": "geo_mean",
             "loss_aggregation": "seq-mean-token-mean"},
            "policy_loss",
            "take another policy_loss, or set use_kl_in_reward=false",
        ),
        ({"max_tokens": 40, "overlong_buffer": {"len": 40}}, "overlong_buffer.len", "fewer tokens than"),
        ({"clip_ratio_c": 1}, "clip_ratio_c", "above 1"),
        ({"overlong_buffer": {"penalty_factor": 0}}, "overlong_buffer.penalty_factor", "above 0"),
        ({"clip_ratio_high": 0}, "clip_ratio_high", "above 0"),
        ({"clip_ratio_low": 0}, "clip_ratio_low", "above 0"),
    ],
)  # fmt: skip
def test_a_contradiction_is_one_line_with_its_remedy(keys, key, remedy):
    with pytest.raises(ConfigError, match=remedy) as caught:
        grpo(**keys)
    assert str(caught.value).startswith(f"x.yaml: 'grpo.{key}': ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "keys",
    [
        {"clip_ratio_low": 0.2, "clip_ratio_high": 0.2},
        {"clip_ratio_high": 0.28},
        {"policy_loss": "cispo", "clip_ratio_low": 10},
        {"policy_loss": "dppo_tv", "clip_ratio_low": 0.3},
        {"policy_loss": "dppo_kl", "clip_ratio_low": 0.3},
        {"policy_loss": "sapo", "loss_aggregation": "seq-mean-token-mean"},
        {"policy_loss": "geo_mean", "loss_aggregation": "seq-mean-token-mean", "use_kl_in_reward": True},
        {"kl_estimator": "k3+"},
        {"use_kl_in_reward": True, "kl_estimator": "k3"},
        {"max_tokens": 40, "overlong_buffer": {"len": 39}},
        {"clip_ratio_c": 1.01},
    ],
)
def test_what_goes_together_is_let_in(keys):
    grpo(**keys)
