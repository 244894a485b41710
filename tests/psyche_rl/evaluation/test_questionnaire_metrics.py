"""Errors in points of a questionnaire: by hand."""

import json

import pytest

from psyche_rl.errors import ConfigError
from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.evaluation.metric_names import Scored, metric_of
from psyche_rl.records import Message
from rewards import RewardSample

GOLD = json.dumps({"1": 3, "2": 0, "3": 2, "4": 1})


def measured(name, reply, gold=GOLD):
    sample = RewardSample(id="1", response=reply, gold=gold, kind="short")
    message = Message(role="user", content="?")
    item = BenchmarkItem(
        id="1", part="p", kind="short", cluster="1", messages=(message,), stem="?", gold=gold
    )
    return metric_of(name)(Scored(sample, item, None))


def test_error_and_share_within_a_point():
    reply = "<think>1. 0</think>1. 1\n2. 1\n3. 2"  # off by 2, 1, 0, and one that is not scored
    assert measured("questionnaire_mae_0_3", reply) == (2 + 1 + 0 + 3) / 4
    assert measured("questionnaire_within1_0_3", reply) == 2 / 4
    assert measured("questionnaire_mae_0_3", "<think>想") == 3
    assert measured("questionnaire_mae_0_3", reply, gold="B") is None


def test_a_scale_without_a_range_is_no_metric():
    with pytest.raises(ConfigError, match="no metric 'questionnaire_mae_3_3'"):
        metric_of("questionnaire_mae_3_3")
