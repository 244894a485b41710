"""Keys of the warm-up that cannot go together are told with a remedy."""

import pytest

from psyche_rl.config import parse_config
from psyche_rl.errors import ConfigError


@pytest.mark.parametrize(
    ("keys", "key", "remedy"),
    [
        ({"patience": 2}, "dev_share", "set dev_share, 0.05"),
        ({"keep_best": True}, "dev_share", "set dev_share, 0.05"),
        ({"dev_share": 1.0}, "dev_share", "below 1"),
    ],
)
def test_what_rests_on_held_out_examples_needs_some(keys, key, remedy):
    with pytest.raises(ConfigError, match=remedy) as caught:
        parse_config({"run_dir": "x", "sft": keys}, "x.yaml")
    assert str(caught.value).startswith(f"x.yaml: 'sft.{key}': ")
    parse_config({"run_dir": "x", "sft": {"dev_share": 0.05, "patience": 2, "keep_best": True}}, "x.yaml")
