"""Benchmarks measured while training goes on: when, of which weights, and which checkpoint is the best."""

import threading

import pytest
from benchmark_probes import probe
from loop_fakes import FakeRollouts

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.loops.evaluations import Evaluations
from psyche_rl.report.benchmark_curves import benchmark_curves


def test_a_point_of_the_curve_is_what_the_benchmark_says_of_these_weights():
    calls, kept = [], []
    rollouts = FakeRollouts(calls, lambda request, index: "<think>想</think>答案：A", served=(0, 4))
    found = probe(kept).measure(rollouts, 4)
    assert (found["bench/mini_exam/mcq_strict"], found["bench/mini_exam/version"]) == (0.5, 4)
    assert found["bench/mini_exam/unanswered"] == 1  # the long one
    ((step, name, rows),) = kept
    assert (step, name, [row.ended for row in rows]) == (4, "mini_exam", ["stop", "stop", "too_long"])
    ((_, version, requests),) = calls
    assert (version, len(requests), {request.temperature for request in requests}) == (4, 2, {0.0})
    drawn = benchmark_curves({"run": [{"step": 5, **found}, {"step": 6}]})
    assert [figure.title for figure in drawn] == ["mini_exam, during training"]


def test_due_before_training_every_so_many_steps_and_at_the_end():
    two = Evaluations([probe([], 2), probe([], 3)], total_steps=7)
    assert [len(two.due(done)) for done in range(8)] == [2, 0, 1, 1, 1, 0, 2, 2]


class SlowRollouts:
    """Answers once it is let go; a failure is raised where it is waited for."""

    def __init__(self, error=None):
        self.let_go, self.error, self.versions = threading.Event(), error, []

    def generate(self, requests, version, counted=False):
        self.versions.append((version, counted))
        self.let_go.wait(30)
        if self.error:
            raise self.error
        return FakeRollouts([], lambda request, index: "答案：B", served=(0, version)).generate(
            requests, version
        )


def test_a_measurement_runs_beside_the_loop_and_is_told_where_it_is_ended():
    slow = SlowRollouts()
    evaluations = Evaluations([probe([])], total_steps=9)
    assert evaluations.ended() == {}
    evaluations.begin(slow, 1)  # nothing is due
    assert evaluations.ended() == {}
    evaluations.begin(slow, 2)  # returns though nothing is answered yet
    slow.let_go.set()
    assert evaluations.ended()["bench/mini_exam/version"] == 2
    assert evaluations.ended() == {}
    assert slow.versions == [(2, False)]  # the books of training do not count it
    broken = SlowRollouts(RuntimeError("engines are gone"))
    broken.let_go.set()
    evaluations.begin(broken, 4)
    with pytest.raises(RuntimeError, match="gone"):
        evaluations.ended()


def test_the_best_checkpoint_goes_by_a_figure_that_is_measured():
    named = {"evaluations": [{"benchmark": "pceb"}], "best_metric": "bench/pceb/pceb_avg"}
    assert GrpoConfig.model_validate({**named, "keep_best": True, "eval_every": 0}).keep_best
    with pytest.raises(ValueError, match="no benchmark 'cmmlu' is among evaluations"):
        GrpoConfig.model_validate({**named, "best_metric": "bench/cmmlu/mcq_strict"})
    with pytest.raises(ValueError, match="named twice"):
        GrpoConfig.model_validate({"evaluations": [{"benchmark": "pceb"}, {"benchmark": "pceb"}]})
