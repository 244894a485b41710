"""What our loops cost beside engines and a learner: the real ones of everything, but these sleep.

- Ideal over wall clock at 1, 4 and 16 workers with real Ray actors, and at 64 and 1,024 by the simulator
  (``fleet_simulator.py``), with staleness 1 and 4. Goal 0.97.
- Wall clock of sync mode over that of staleness 4, at 16 workers, 5 % of the samples ten times longer. Goal
  3. (Staleness 1 is shown.)

A worker generates ``CAP`` samples side by side. A step has four samples for each place, in groups of eight,
of 0.5 to 1.5 times ``SCALE_S``. Training a step takes as long as generating it on average, which leaves no
slack on either side. Publishing, scoring and books are ours, and cost what they cost. (``SCALE_S`` is short
for a sample of a real model; at an eighth of it two cores are busy with the pretended ones of 16 workers.)

The ideal is a lower bound for any schedule, whatever its staleness. With s(g, i) the seconds of the sample i
of group g, all of which the T steps of P groups consume,

    generation = sum of s / places, and after the last sample one group's training (train_s / P)
    training   = the quickest group that there is, then T * train_s
    ideal      = the larger of the two

since places cannot do more than be busy, and the learner cannot begin before it has a group. No staleness
beats it, and a bounded one can only be slower, so what a bound costs is counted against us.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from typing import Any

import ray
from fleet_simulator import CAP, GROUP, WAVES, Costs, Simulation, lengths
from sleeping import InstantScorers, Lengths, NoCheckpoints, NumberedPrompts, SleepingRank, new_worker

from psyche_rl.fleet.admission import AdmissionRule
from psyche_rl.loops.step_training import PARTS

GOALS = {"ideal": 0.97, "over_sync": 3.0}
STEPS, SCALE_S = 12, 4.0
LONG_STEPS, LONG_SCALE_S, LONG_SHARE = 10, 1.0, 0.05
REAL, SIMULATED, STALENESS = (1, 4, 16), (64, 1024), (1, 4)


def measure(quick: bool = False) -> dict[str, Any]:
    """All figures; ``quick``: a look at the smallest fleet alone."""
    from actors.cluster import connect

    connect()
    run(1, 1, 2, 0.05)  # this process has imported all that a step needs, as one has that opened a model
    figures: dict[str, Any] = {"steps": STEPS, "scale_s": SCALE_S, "ideal": {}, "staleness": {}}
    for workers in REAL[:1] if quick else REAL:
        for staleness in STALENESS:
            wall_s, mean = run(workers, staleness, STEPS, SCALE_S)
            name = f"{workers} workers, staleness {staleness}"
            figures["ideal"][name] = ideal(workers, STEPS) * SCALE_S / wall_s
            figures["staleness"][name] = mean
            print(f"{name}: {figures['ideal'][name]:.3f}", file=sys.stderr, flush=True)
    if quick:
        return figures
    walls = {s: run(16, s, LONG_STEPS, LONG_SCALE_S, LONG_SHARE)[0] for s in (0, 1, 4)}
    figures["long_s"] = walls
    figures["over_sync"] = {f"staleness {s}": walls[0] / walls[s] for s in STALENESS}
    print(figures["over_sync"], file=sys.stderr, flush=True)
    ray.shutdown()
    for workers in SIMULATED:
        for staleness in STALENESS:
            name = f"{workers} workers, staleness {staleness}, simulated"
            figures["ideal"][name] = ideal(workers, STEPS) / simulated(workers, staleness, STEPS)
    return figures


def checks(figures: dict[str, Any]) -> list[tuple[str, float, float, bool]]:
    """What each figure is, its value, its goal, and whether that is met."""
    found = [(f"ideal over ours, {name}", r, GOALS["ideal"]) for name, r in figures["ideal"].items()]
    if "over_sync" in figures:
        ratio = figures["over_sync"]["staleness 4"]
        found.append(("sync over ours, 5 % ten times longer, 16 workers", ratio, GOALS["over_sync"]))
    return [(what, measured, goal, measured >= goal) for what, measured, goal in found]


def shown(figures: dict[str, Any]) -> list[tuple[str, float]]:
    """What has no goal."""
    rows = [(f"mean staleness, {name}", mean) for name, mean in figures["staleness"].items()]
    if "over_sync" in figures:
        rows.append(("sync over staleness 1, the same", figures["over_sync"]["staleness 1"]))
    return rows


def ideal(workers: int, steps: int, long_share: float = 0.0) -> float:
    """Mean lengths that no schedule is below."""
    places, drawn = workers * CAP, lengths(1, long_share)
    prompts = WAVES * places // GROUP
    groups = [[drawn(g, i) for i in range(GROUP)] for g in range(prompts * steps)]
    train = train_of(long_share)
    generation = sum(map(sum, groups)) / places + train / prompts
    return max(generation, min(map(max, groups)) + steps * train)


def train_of(long_share: float) -> float:
    """Mean lengths that a step's training takes: those of its generation."""
    return WAVES * (1.0 + 9.0 * long_share)


def simulated(workers: int, staleness: int, steps: int) -> float:
    """Wall clock of the policies alone, in mean lengths."""
    costs = Costs(lengths(1), train_s=train_of(0.0))
    rule = AdmissionRule(WAVES * workers * CAP // GROUP, staleness, steps)
    return Simulation(rule, costs, workers, CAP, GROUP, parts=min(PARTS, rule.prompts)).run().wall_s


def run(
    workers: int, staleness: int, steps: int, scale_s: float, long_share: float = 0.0
) -> tuple[float, float]:
    """Seconds of a real run, and its mean staleness in versions."""
    from actors.learner import group
    from actors.learner.group import LearnerGroup
    from psyche_rl.config.grpo import GrpoConfig
    from psyche_rl.learner.objectives import PolicyObjective
    from psyche_rl.learner.schedule import OptimSettings
    from psyche_rl.learner.sequence import PolicySequence
    from psyche_rl.ledger.ledger import Ledger
    from psyche_rl.loops.error_budget import ErrorBudget
    from psyche_rl.loops.grpo_async import AsyncGrpo
    from psyche_rl.loops.grpo_sync import SyncGrpo
    from psyche_rl.loops.metrics_log import MetricsLog, read_metrics
    from psyche_rl.loops.producer import Producer
    from psyche_rl.loops.prompt_queue import PromptQueue
    from psyche_rl.loops.prompt_schedule import PromptSchedule
    from psyche_rl.loops.prompt_states import PromptStates
    from psyche_rl.records import Question
    from psyche_rl.store import RunStore

    prompts = WAVES * workers * CAP // GROUP
    config = GrpoConfig.model_validate({
        "prompts_per_step": prompts, "mini_batch_prompts": prompts, "group_size": GROUP, "kl_coef": 0.0,
        "eval_every": 0, "save_every": 10**6, "staleness": staleness, "rollout_workers": workers,
        "max_tokens": 4, "learner": {"dtype": "float32"}, "engine": {"dtype": "float32"},
    })  # fmt: skip
    questions = [Question(id=f"q{n}", source="none", kind="short", stem="?", gold="A") for n in range(64)]
    group.LearnerRank = SleepingRank  # type: ignore[misc]
    pace = train_of(long_share) * scale_s / (prompts * GROUP)
    learner = LearnerGroup(str(pace), config.learner, OptimSettings(1.0, "constant", steps))
    ended: list[float] = []
    with tempfile.TemporaryDirectory(prefix="psyche-rl-overlap-") as folder:
        store = RunStore(folder)
        ledger, schedule = Ledger(store, "grpo"), PromptSchedule(questions, prompts, 0, False)
        rollouts = fleet(workers, staleness, Lengths(scale_s, long_share), ledger)
        common: dict[str, Any] = {
            "config": config, "seed": 0, "total_steps": steps, "codec": NumberedPrompts(prompts),
            "rollouts": rollouts, "scorers": InstantScorers(), "budget": ErrorBudget("none", 1.0, 10**6),
            "ledger": ledger,
        }  # fmt: skip
        parts: dict[str, Any] = {
            "learner": learner, "reference": None, "probe": None, "checkpoints": NoCheckpoints(),
            "metrics": MetricsLog(store, "grpo"), "keep_rollouts": lambda *_: None,
            "on_step": lambda *_: ended.append(time.perf_counter()),
        }  # fmt: skip
        loop: Any
        if staleness:
            producer = Producer(**common, prompts=PromptQueue(schedule))
            states = PromptStates(store, "grpo")
            loop = AsyncGrpo(**common, **parts, producer=producer, prompt_states=states, say=print)
        else:
            loop = SyncGrpo(**common, **parts, prompts=schedule)
        with rollouts:
            learner.full_weights_ref(0)  # all have started
            learner.policy_backward(
                [PolicySequence.of((1,), (2,), None, 0.0)], PolicyObjective()
            )  # and imported
            gc.collect()
            begun = time.perf_counter()
            loop.run()
        learner.shutdown()
        rows = read_metrics(store, "grpo")
        return ended[-1] - begun, statistics.fmean(row["staleness/mean"] for row in rows)


def fleet(workers: int, staleness: int, lengths_s: Lengths, ledger: Any) -> Any:
    """The product's stream, or its pool for sync mode, of workers that sleep."""
    from actors.rollout.pool import RolloutPool
    from actors.rollout.stream import RolloutStream
    from psyche_rl.config.engine import EngineConfig
    from psyche_rl.fleet.sizing import Fixed, Scaling

    new = new_worker(lengths_s, CAP)

    class Pool(RolloutPool):
        def _new_worker(self, slot: int) -> Any:
            return new(self._current.version)

    class Stream(RolloutStream):
        def start(self, version: int = 0) -> None:
            super().start(version)
            self._wait_until(lambda: len(self._crew.fleet.takes_work) == workers, "start")

    if staleness:
        return Stream(new, Scaling(Fixed(workers)), ledger=ledger, cap=CAP)
    return Pool("", EngineConfig(), workers, ledger=ledger)
