"""What stages take of a cluster, counted from the config."""

from psyche_rl.config import parse_config
from psyche_rl.stages import STAGES
from psyche_rl.stages.demand import demands


def taken(stage: str, **tree) -> dict[str, int]:
    config = parse_config({"run_dir": "r", "mini": {}, **tree}, "x")
    return {demand.role: demand.gpus for demand in demands(STAGES[stage], config)}


def test_grpo_takes_learners_engines_and_a_pool_of_references_if_asked():
    tree = {"grpo": {"ranks": 8, "rollout_workers": 4, "engine": {"tensor_parallel_size": 2}}}
    assert taken("grpo", **tree) == {"learner": 8, "rollout worker": 8}
    assert taken("grpo", grpo={"reference_workers": 3})["reference"] == 3
    assert "reference" not in taken("grpo", grpo={"reference_workers": 3, "kl_coef": 0})


def test_what_is_left_out_takes_nothing():
    assert taken("sft", sft={"skip": True}) == {}
    assert taken("select", select={"selectors": ["http://127.0.0.1:1/v1#m"]}) == {}
    assert taken("synth") == {}
    assert taken("synth", teacher={"engine": "vllm", "vllm_engines": 3}) == {"teacher engine": 3}
