"""The figures of a run at Ray's own endpoint, as Prometheus scrapes them."""

from __future__ import annotations

import time
import urllib.request

import pytest
import ray

from actors.prometheus import RunFigures

ROW = {
    "reward/mean": 0.5, "workers/serving": 2.0, "time/train_s": 4.0, "time/step_s": 8.0,
    "throughput/tokens_per_s": 100.0,
}  # fmt: skip


def scraped(seconds: float = 90.0) -> dict[str, float]:
    """What the endpoint of this node says of runs, once it says it."""
    port = ray.nodes()[0]["MetricsExportPort"]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        found = dict(line.rsplit(" ", 1) for line in lines if line.startswith("ray_psyche_rl_"))
        if any("response_tokens" in name for name in found):
            return {name: float(value) for name, value in found.items()}
        time.sleep(1)
    raise AssertionError("the endpoint says nothing of the run")


def value_of(found: dict[str, float], name: str, *tags: str) -> float:
    (value,) = (v for key, v in found.items() if key.startswith(name + "{") and all(t in key for t in tags))
    return value


@pytest.mark.slow
def test_the_endpoint_tells_a_runs_figures_with_its_name(ray_local):
    figures = RunFigures("/runs/mine")
    figures.tell(3, ROW)
    figures.tell(4, ROW | {"reward/mean": 0.75})
    found = scraped()
    run = 'run="/runs/mine"'
    assert value_of(found, "ray_psyche_rl_step", run) == 4
    assert value_of(found, "ray_psyche_rl_reward_mean", run) == 0.75
    assert value_of(found, "ray_psyche_rl_workers", run, 'state="serving"') == 2
    assert value_of(found, "ray_psyche_rl_phase_seconds_total", run, 'phase="train"') == 8
    assert value_of(found, "ray_psyche_rl_step_seconds_count", run) == 2
    assert value_of(found, "ray_psyche_rl_step_seconds_bucket", run, 'le="10.0"') == 2
    assert value_of(found, "ray_psyche_rl_response_tokens_total", run) == 1600
