"""The presets for clusters: each plans on the cluster it is for, and docs/cluster.md shows the plan of today.

``PSYCHE_RL_WRITE_PLANS=1`` writes them there instead.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from psyche_rl.config import load_config
from psyche_rl.config.rollout_workers import ElasticWorkers
from psyche_rl.placement.cluster_shape import pretended
from psyche_rl.placement.planner import plan_stages
from psyche_rl.placement.table import COLUMNS, rows
from psyche_rl.stages import STAGES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "cluster.md"
PRESETS = {"psyche_r1_7b": "1x8x80", "psyche_r1_7b_elastic": "2x8x80+2", "lora_1gpu": "1x1x80"}


def markdown(found) -> str:
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *(row for plan in found for row in rows(plan))]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plans(preset: str, cluster: str, *overrides: str):
    config = load_config(ROOT / f"launch/configs/{preset}.yaml", overrides)
    return plan_stages(list(STAGES), config, pretended(cluster))


@pytest.mark.parametrize("preset", PRESETS)
def test_the_page_shows_the_plan_of_today(preset):
    found, refused = plans(preset, PRESETS[preset])
    assert refused == []
    start, end = f"<!-- plan: {preset} on {PRESETS[preset]} -->\n", "<!-- end of plan -->\n"
    page = PAGE.read_text("utf-8")
    before, mark, rest = page.partition(start)
    assert mark, f"{PAGE} has no place for the plan of {preset}"
    table, _, after = rest.partition(end)
    if os.environ.get("PSYCHE_RL_WRITE_PLANS"):
        table = markdown(found)
        PAGE.write_text(before + start + table + end + after, "utf-8")
    assert table == markdown(found), f"{PAGE} is out of date; PSYCHE_RL_WRITE_PLANS=1 rewrites it"


def test_the_papers_eight_gpus_are_enough_for_all_and_seven_are_not():
    found, _ = plans("psyche_r1_7b", "1x8x79.6")
    assert {plan.stage for plan in found} == {"select", "sft", "grpo", "eval"}
    grpo = next(plan for plan in found if plan.stage == "grpo")
    assert len({spot for spots in grpo.spots.values() for spot in spots}) == 8
    assert not any(plan.unknown for plan in found)
    _, refused = plans("psyche_r1_7b", "1x7x80")
    assert [error.problem.wrong.split()[0] for error in refused] == ["sft", "grpo"]
    _, refused = plans("psyche_r1_7b", "1x8x40")
    assert any("grpo: GPU 0 of node 0 would hold" in str(error) for error in refused)


def test_the_elastic_preset_begins_with_what_there_is_and_may_have_more():
    found, refused = plans("psyche_r1_7b_elastic", "2x8x80")
    grpo = next(plan for plan in found if plan.stage == "grpo")
    assert refused == []
    assert (len(grpo.seats_of("learner")), len(grpo.seats_of("rollout worker"))) == (8, 8)
    assert load_config(
        ROOT / "launch/configs/psyche_r1_7b_elastic.yaml"
    ).grpo.rollout_workers == ElasticWorkers(4, 24)
    small, _ = plans("psyche_r1_7b_elastic", "1x8x80+1")
    assert next(plan for plan in small if plan.stage == "grpo").grows == 4
