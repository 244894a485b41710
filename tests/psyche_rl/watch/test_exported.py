"""What monitoring is told of a step."""

from __future__ import annotations

from psyche_rl.watch.exported import ExportedFigure, exported


def test_a_step_becomes_gauges_workers_by_state_phases_and_tokens():
    row = {
        "reward/mean": 0.5, "kl/mean": float("nan"), "staleness/max": 2.0, "workers/serving": 3.0,
        "workers/draining": 0.0, "fleet/left": 1.0, "fleet/idle_share": 0.25, "time/train_s": 4.0,
        "time/step_s": 10.0, "throughput/tokens_per_s": 800.0, "reward/format": 1.0,
    }  # fmt: skip
    assert exported(7, row) == [
        ExportedFigure("gauge", "psyche_rl_step", 7),
        ExportedFigure("gauge", "psyche_rl_reward_mean", 0.5),
        ExportedFigure("gauge", "psyche_rl_staleness_max", 2.0),
        ExportedFigure("gauge", "psyche_rl_tokens_per_second", 800.0),
        ExportedFigure("gauge", "psyche_rl_workers_idle_share", 0.25),
        ExportedFigure("gauge", "psyche_rl_workers", 3.0, {"state": "serving"}),
        ExportedFigure("gauge", "psyche_rl_workers", 0.0, {"state": "draining"}),
        ExportedFigure("counter", "psyche_rl_phase_seconds", 4.0, {"phase": "train"}),
        ExportedFigure("histogram", "psyche_rl_step_seconds", 10.0),
        ExportedFigure("counter", "psyche_rl_response_tokens", 8000.0),
    ]


def test_what_a_step_does_not_have_is_not_told():
    assert exported(0, {"eval/strict_accuracy": 0.4}) == [
        ExportedFigure("gauge", "psyche_rl_step", 0),
        ExportedFigure("gauge", "psyche_rl_dev_accuracy", 0.4),
    ]
