"""The GRPO loop with fakes: the order of its verbs, versions, checkpoints, and going on after a cut."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from loop_fakes import CharTokenizer, FakeLearner, FakeReference, FakeRollouts, FakeScorers, question

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.errors import RewardBudgetError, WeightSyncError
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.loops.checkpoints import Checkpoints
from psyche_rl.loops.error_budget import ErrorBudget
from psyche_rl.loops.exam_probe import ExamProbe
from psyche_rl.loops.grpo_sync import SyncGrpo
from psyche_rl.loops.metrics_log import MetricsLog, read_metrics
from psyche_rl.loops.prompt_queue import PromptQueue
from psyche_rl.loops.prompt_schedule import PromptSchedule
from psyche_rl.loops.prompt_states import PromptStates
from psyche_rl.loops.refill_rounds import RefillRounds
from psyche_rl.records import ScoredSample
from psyche_rl.rollout.question_codec import QuestionCodec
from psyche_rl.rollout.sampling import Sampling
from psyche_rl.store import RunStore
from psyche_rl.timeline.lane import LaneSpan, Stretch

GRPO = {
    "prompts_per_step": 4,
    "mini_batch_prompts": 2,
    "group_size": 4,
    "eval_every": 2,
    "save_every": 2,
    "max_tokens": 64,
    "sync_tolerance": 1e-3,
}
STEPS = 5


class Killed(BaseException):
    """Stands in for SIGKILL: nothing of ours catches it."""


@dataclass
class Run:
    """A loop of one process over a run folder, with all that its fakes saw."""

    folder: str
    grpo: dict = field(default_factory=dict)
    with_reference: bool = True
    dies_after: int | None = None
    """Killed as soon as this step is in the metrics, before its checkpoint."""
    calls: list = field(default_factory=list)
    kept: dict[int, list[ScoredSample]] = field(default_factory=dict)
    told: list[int] = field(default_factory=list)
    said: list = field(default_factory=list)
    lanes: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = RunStore(self.folder)
        config = GrpoConfig.model_validate(GRPO | self.grpo)
        codec = QuestionCodec(CharTokenizer(), PromptConfig(), config.max_tokens, 1024, (0,))
        self.learner = FakeLearner(self.calls)
        self.ledger = Ledger(self.store, "grpo")
        self.rollouts = FakeRollouts(self.calls, ledger=self.ledger)
        self.scorers = FakeScorers(self.calls)
        self.metrics = MetricsLog(self.store, "grpo")
        self.loop = SyncGrpo(
            config=config,
            seed=3,
            total_steps=STEPS,
            prompts=PromptSchedule([question(i) for i in range(7)], config.prompts_per_step, 3, True),
            codec=codec,
            rollouts=self.rollouts,
            scorers=self.scorers,
            budget=ErrorBudget("exam", config.reward.error_budget, config.reward.error_window),
            learner=self.learner,
            reference=FakeReference(self.calls) if self.with_reference else None,
            probe=ExamProbe([question(90), question(91, "B")], codec),
            checkpoints=Checkpoints(self.store, "grpo", 2),
            metrics=self.metrics,
            ledger=self.ledger,
            keep_rollouts=self.kept.__setitem__,
            on_step=lambda step, _: self.told.append(step),
            say=lambda what, **more: self.said.append((what, more)),
            keep_lanes=self.lanes.__setitem__,
            **self.refilled(config, codec),
        )
        if self.dies_after is not None:
            append = self.metrics.append

            def dying(row) -> None:
                append(row)
                if row["step"] == self.dies_after:
                    raise Killed

            self.metrics.append = dying

    def refilled(self, config, codec) -> dict:
        """What dynamic sampling needs."""
        if not config.dynamic_sampling:
            return {}
        schedule = PromptSchedule([question(i) for i in range(7)], config.prompts_per_step, 3, True)
        rounds = RefillRounds(
            config=config, seed=3, prompts=PromptQueue(schedule), codec=codec, rollouts=self.rollouts,
            scorers=self.scorers, budget=ErrorBudget("exam", 0.9, 512), ledger=self.ledger, total_steps=STEPS,
        )  # fmt: skip
        return {"rounds": rounds, "prompt_states": PromptStates(self.store, "grpo")}

    def __call__(self):
        return self.loop.run()

    def verbs(self) -> list:
        """Call names with their versions, probe and training generation told apart."""
        return ["probe" if c[0] == "generate" and c[2][0].id.startswith("dev/") else c[0] for c in self.calls]

    def rows(self) -> list[dict]:
        """Metrics rows without what a clock measured."""
        rows = read_metrics(self.store, "grpo")
        return [{k: v for k, v in row.items() if not k.startswith(("time/", "throughput/"))} for row in rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Run:
    """A run that was never cut off."""
    run = Run(str(tmp_path_factory.mktemp("whole")))
    run()
    return run


STEP_VERBS = [
    "generate", "reference", "score", "old", "backward", "update", "backward", "update", "weights", "publish",
]  # fmt: skip


def test_the_verbs_of_a_run_in_order(whole):
    expected = ["weights", "publish", "probe"]
    for done in range(1, STEPS + 1):
        expected += STEP_VERBS
        expected += ["probe"] if done in (2, 4, 5) else []
        expected += ["save"] if done in (2, 4, 5) else []
    assert whole.verbs() == expected
    assert whole.told == [1, 2, 3, 4, 5]


def test_each_step_keeps_what_workers_and_learner_did(whole):
    assert list(whole.lanes) == [1, 2, 3, 4, 5]
    for spans in whole.lanes.values():
        assert spans[0] == LaneSpan("worker 0", Stretch("generate", 1.0, 2.0))
        states = [stretch.state for lane, stretch in spans if lane == "learner"]
        assert [state for state in states if state != "wait"] == ["reference", "train", "sync"]
        assert states[0] == "wait", "for samples"


def test_the_weight_version_is_the_number_of_finished_steps(whole):
    published = [(c[1], c[2]) for c in whole.calls if c[0] == "publish"]
    assert published == [(0, 0), (1, 2), (2, 4), (3, 6), (4, 8), (5, 10)]  # version, updates in the weights
    for verb in ("score", "reference", "old"):
        assert [c[1] for c in whole.calls if c[0] == verb] == [0, 1, 2, 3, 4]
    assert [c[1] for c in whole.calls if c[0] == "update"] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert [row["weight_version"] for row in whole.rows()] == [0, 0, 1, 2, 3, 4]
    for step, rows in whole.kept.items():
        assert {r.step for r in rows} == {step}
        assert {r.weight_version for r in rows} == {step - 1}


def test_every_step_asks_each_prompt_for_one_group_with_a_seed_of_its_own(whole):
    steps = [c[2] for c in whole.calls if c[0] == "generate" and not c[2][0].id.startswith("dev/")]
    assert [len(requests) for requests in steps] == [4] * STEPS
    requests = [r for step in steps for r in step]
    assert {r.n for r in requests} == {4}
    assert len({r.seed for r in requests}) == len(requests)
    assert len({r.id for r in requests}) == len(requests)


def test_the_learner_gets_old_and_reference_logprobs_and_advantages(whole):
    sequences, objective = whole.learner.seen[2]
    assert objective.kl_coef == 0.001
    assert {s.old_logprobs is None for s in sequences} == {True}  # those of its own training pass
    later, _ = whole.learner.seen[3]
    assert {s.old_logprobs[0] for s in later} == {-0.5 - 2 / 64}  # as before the step's first update
    assert {s.reference_logprobs[0] for s in (*sequences, *later)} == {-1.0}
    advantages = {r.sample_id: r.advantage for r in whole.kept[2]}  # rows of the same step, in order
    assert [s.advantages[0] for s in sequences] == pytest.approx(list(advantages.values())[: len(sequences)])
    assert any(advantages.values())


def test_one_row_a_step_and_the_probes_figures_where_due(whole):
    rows = whole.rows()
    assert [row["step"] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert [row["step"] for row in rows if "eval/strict_accuracy" in row] == [0, 2, 4, 5]
    assert rows[1]["loss/total"] == 1.5  # mean over the step's two mini-batches …
    assert rows[1]["policy/ratio_max"] == 3.0  # … but the largest of a maximum
    assert all("sync/logprob_diff_max" in row for row in rows[1:])


def test_the_newest_two_checkpoints_stay(whole):
    assert whole.store.glob("grpo/checkpoints/*") == [
        "grpo/checkpoints/step_000004",
        "grpo/checkpoints/step_000005",
    ]


@pytest.mark.parametrize(("dies_after", "goes_on_from"), [(0, 0), (1, 0), (2, 0), (3, 2), (5, 4)])
def test_a_run_that_was_killed_ends_like_one_that_was_not(tmp_path, whole, dies_after, goes_on_from):
    cut = Run(str(tmp_path), dies_after=dies_after)
    with pytest.raises(Killed):
        cut()
    assert [row["step"] for row in cut.rows()] == list(range(dies_after + 1))
    resumed = Run(str(tmp_path))
    resumed()
    loads = [c for c in resumed.calls if c[0] == "load"]
    assert loads == ([("load", f"step_{goes_on_from:06d}")] if goes_on_from else [])
    assert resumed.told == list(range(goes_on_from + 1, STEPS + 1))
    assert [c[1] for c in resumed.calls if c[0] == "publish"] == list(range(goes_on_from, STEPS + 1))
    assert resumed.rows() == whole.rows()
    assert {**cut.kept, **resumed.kept} == whole.kept
    assert resumed.learner.updates == whole.learner.updates


@pytest.mark.parametrize("dies_after", [0, 3])
def test_no_evaluation_is_repeated_after_a_cut(tmp_path, dies_after):
    cut = Run(str(tmp_path), dies_after=dies_after)
    with pytest.raises(Killed):
        cut()
    resumed = Run(str(tmp_path))
    resumed()
    probes = [c[1] for run in (cut, resumed) for c in run.calls if c[0] == "generate" and len(c[2]) == 2]
    assert probes == [0, 2, 4, 5]


def test_a_run_that_only_lacks_its_export_trains_nothing_and_returns_the_last_metrics(tmp_path, whole):
    Run(str(tmp_path))()
    again = Run(str(tmp_path))
    last = again()
    assert [c[0] for c in again.calls] == ["load", "weights", "publish"]
    assert last["reward/mean"] == whole.rows()[-1]["reward/mean"]
    assert again.rows() == whole.rows()


def test_without_a_reference_no_logprobs_of_one_reach_the_learner(tmp_path):
    run = Run(str(tmp_path), grpo={"kl_coef": 0.0}, with_reference=False)
    run()
    assert "reference" not in run.verbs()
    assert {s.reference_logprobs is None for sequences, _ in run.learner.seen for s in sequences} == {True}
    assert {objective.kl_coef for _, objective in run.learner.seen} == {0.0}


def test_no_evaluation_where_it_is_turned_off(tmp_path):
    run = Run(str(tmp_path), grpo={"eval_every": 0})
    run()
    assert "probe" not in run.verbs()
    assert [row["step"] for row in run.rows()] == [1, 2, 3, 4, 5]


def test_a_step_tells_where_its_seconds_went(tmp_path):
    run = Run(str(tmp_path))
    run.loop.publish(0)
    told = run.loop.step(0)
    assert {name for name in told if name.startswith(("time/", "throughput/"))} == {
        "time/generate_s", "time/score_s", "time/reference_s", "time/train_s", "time/publish_s",
        "time/step_s", "throughput/tokens_per_s",
    }  # fmt: skip


def test_a_run_without_dev_questions_is_not_evaluated(tmp_path):
    run = Run(str(tmp_path))
    run.loop.probe = None
    assert [run.loop.evaluate(done) for done in (0, 2, STEPS)] == [{}, {}, {}]


def test_an_engine_that_was_not_given_the_weights_stops_the_run(tmp_path):
    run = Run(str(tmp_path))
    publish = run.rollouts.publish
    run.rollouts.publish = lambda weights, version: publish(0, version)
    with pytest.raises(WeightSyncError, match="at weight version 1 "):
        run()
    assert run.learner.updates == 2
    assert run.verbs()[-2:] == ["old", "backward"]  # told before the gradient was applied


def test_scorers_that_fail_too_often_stop_the_run_before_it_trains(tmp_path):
    run = Run(str(tmp_path))
    run.scorers.broken = lambda s: s.id.endswith("/0")
    with pytest.raises(RewardBudgetError, match="reward 'exam': 4 of the last 16 scores failed"):
        run()
    assert run.learner.updates == 0


def test_a_scorer_that_fails_within_the_budget_costs_its_own_sample(tmp_path):
    run = Run(str(tmp_path), grpo={"reward": {"error_budget": 0.1}})
    run.scorers.broken = lambda s: s.id == "0/1/2"
    run()
    masked = [s for s in run.learner.seen[0][0] if not s.mask.any()]
    assert len(masked) == 1
    row = next(r for r in run.kept[1] if r.sample_id == "0/1/2")
    assert (row.reward, row.advantage, row.reward_error) == (None, None, "timeout")
    assert json.loads(json.dumps(run.rows()[1]))["reward/error_share"] == pytest.approx(1 / 16)


def test_engine_and_policy_are_asked_for_one_distribution_and_the_reference_for_it_without_filters(tmp_path):
    run = Run(str(tmp_path), grpo={"temperature": 0.7, "top_p": 0.9, "top_k": 20})
    run()
    whole = Sampling(0.7, 0.9, 20)
    assert {call[2] for call in run.calls if call[0] == "old"} == {whole}
    assert {call[2] for call in run.calls if call[0] == "reference"} == {0.7}
    trained = [c[2] for c in run.calls if c[0] == "generate" and not c[2][0].id.startswith("dev/")]
    assert {(r.temperature, r.top_p, r.top_k) for requests in trained for r in requests} == {(0.7, 0.9, 20)}
    assert {objective.sampling for _, objective in run.learner.seen} == {whole}


def test_no_pass_is_made_twice(tmp_path):
    """Old log-probabilities are computed for the mini-batches after the first alone, and for none in
    bypass mode."""
    whole_step = Run(str(tmp_path / "one"), grpo={"mini_batch_prompts": 4})
    whole_step()
    assert "old" not in whole_step.verbs()
    halves = Run(str(tmp_path / "two"))
    halves()
    assert {c[3] for c in halves.calls if c[0] == "old"} == {8}  # two of four prompts, four samples each
    bypass = Run(str(tmp_path / "bypass"), grpo={"bypass_mode": True})
    bypass()
    assert "old" not in bypass.verbs()
    assert {s.old_logprobs[0] for s in bypass.learner.seen[0][0] + bypass.learner.seen[1][0]} == {-0.5}
    assert all("sync/logprob_diff_max" in row for row in bypass.rows()[1:])


@pytest.mark.parametrize("bypass", [False, True])
def test_engines_that_agree_on_the_first_mini_batch_alone_are_found_out_where_more_is_known(tmp_path, bypass):
    run = Run(str(tmp_path), grpo={"bypass_mode": bypass})
    learner, generate = run.learner, run.rollouts.generate

    def one_sample_off(requests, version, counted=False):
        groups = generate(requests, version, counted)
        wrong = groups[-1][0]
        off = wrong.model_copy(update={"logprobs": tuple(p - 1 for p in wrong.logprobs)})
        return [*groups[:-1], [off, *groups[-1][1:]]]

    run.rollouts.generate = one_sample_off
    if bypass:  # the second mini-batch is not passed through before its own update
        run()
    else:
        with pytest.raises(WeightSyncError):
            run()
        assert learner.updates == 0
