"""The list of verl's names is that of the installed verl, and what it lets in works in a step of ours."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from psyche_rl.config import parse_config, verl_names
from psyche_rl.errors import ConfigError

ROOT = Path(__file__).parents[3]


def good(names):
    return [name for name, fault in names.items() if fault is None]


@pytest.mark.slow
def test_the_list_is_what_the_installed_verl_knows():
    script = ROOT / "scripts" / "verl_names.py"
    done = subprocess.run([sys.executable, str(script), "--check"], cwd=ROOT, check=False, timeout=200)
    assert done.returncode == 0, "run scripts/verl_names.py and look at what has changed"


@pytest.mark.parametrize("name", good(verl_names.ADVANTAGES))
def test_an_advantage_that_is_let_in_works(name):
    from psyche_rl.learner.advantages import group_advantages

    got = group_advantages(
        [1.0, 0.0, 0.5, None, 0.0, 1.0], list("aaaabb"), [2, 4, 3, 1, 2, 2], estimator=name
    )
    assert [value is None for value in got] == [False, False, False, True, False, False]
    assert got[0] > got[1]


@pytest.fixture(scope="module")
def loss():
    """The loss of four sequences, laid out in the micro-batches that are asked for."""
    import torch
    from one_micro_batch import collated

    from psyche_rl.learner.objectives import Denominators, PolicyObjective, policy_loss
    from psyche_rl.learner.sequence import PolicySequence

    draw = np.random.default_rng(0)
    lengths = (4, 7, 3, 6)
    sequences = [
        PolicySequence.of(
            [1, 2], [3] * n, list(-draw.random(n)), draw.normal(), reference_logprobs=-draw.random(n)
        )
        for n in lengths
    ]

    def computed(*micro_batches, **names):
        objective = PolicyObjective(kl_coef=0.1, max_response_tokens=10, **names)
        total = 0.0
        for members in micro_batches:
            held = [sequences[i] for i in members]
            batch = collated(held)
            count = sum(lengths[i] for i in members)
            now = torch.full((count,), -0.4, dtype=torch.float64, requires_grad=True)
            share, _ = policy_loss(now, torch.zeros(count), batch, held, objective, Denominators(20, 4))
            share.backward()
            assert now.grad is not None
            assert torch.isfinite(now.grad).all()
            total += share.item()
        return total

    return computed


@pytest.mark.parametrize("name", good(verl_names.POLICY_LOSSES))
def test_a_policy_loss_that_is_let_in_is_one_of_the_whole_mini_batch(loss, name):
    whole, parts = loss([0, 1, 2, 3], policy_loss=name), loss([0], [1, 2], [3], policy_loss=name)
    assert parts == pytest.approx(whole, rel=1e-6)


GIVEN = {"clip_ratio", "clip_ratio_low", "clip_ratio_high", "clip_ratio_c", "global_batch_info"}
AS_VERL_HAS_IT = {"tau_pos", "tau_neg"}
"""Settings of SAPO for which there is no key: 1.0 and 1.05, as published."""


@pytest.mark.parametrize("name", good(verl_names.POLICY_LOSSES))
def test_a_policy_loss_that_is_let_in_reads_no_setting_that_we_cannot_give(name):
    from verl.trainer.ppo import core_algos

    source = inspect.getsource(core_algos.get_policy_loss_fn(name))
    read = set(re.findall(r"config\.(\w+)", source)) | set(re.findall(r'config\.get\(\s*"(\w+)"', source))
    assert read - {"get", "ActorConfig"} <= GIVEN | AS_VERL_HAS_IT


@pytest.mark.parametrize("name", ["dro", "clip_cov", "kl_cov", "bypass_mode"])
def test_a_loss_that_is_refused_is_refused_with_the_reason(name):
    with pytest.raises(ConfigError, match=rf"'grpo.policy_loss': verl's '{name}' cannot be used here: it "):
        parse_config({"run_dir": "x", "grpo": {"policy_loss": name}}, "x.yaml")


def test_gdpo_without_the_parts_of_a_reward_is_refused():
    with pytest.raises(ConfigError, match="verl's 'gdpo' cannot be used here: it needs the parts"):
        parse_config({"run_dir": "x", "grpo": {"advantage": "gdpo"}}, "x.yaml")


@pytest.mark.parametrize("name", good(verl_names.KL_ESTIMATORS))
def test_a_kl_estimator_that_is_let_in_works(loss, name):
    assert np.isfinite(loss([0, 1, 2, 3], kl_estimator=name))


@pytest.mark.parametrize("name", good(verl_names.LOSS_AGGREGATIONS))
def test_an_aggregation_that_is_let_in_works(loss, name):
    assert np.isfinite(loss([0, 1, 2, 3], loss_aggregation=name))
