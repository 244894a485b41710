"""The asynchronous loop with fakes: the bound on staleness, books that close, and going on after a cut."""

from __future__ import annotations

import threading
from collections import Counter

import numpy as np
import pytest
from benchmark_probes import probe
from loop_fakes import CharTokenizer, FakeLearner, FakeReference, FakeScorers, question, reply
from stream_fakes import FakeStream

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.errors import DataError, LedgerError, RemoteWaitError, RewardBudgetError
from psyche_rl.ledger.balance import Amount
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.loops.checkpoints import Checkpoints
from psyche_rl.loops.error_budget import ErrorBudget
from psyche_rl.loops.evaluations import Evaluations
from psyche_rl.loops.exam_probe import ExamProbe
from psyche_rl.loops.grpo_async import AsyncGrpo
from psyche_rl.loops.held_groups import HeldGroups
from psyche_rl.loops.metrics_log import MetricsLog, read_metrics
from psyche_rl.loops.producer import Producer
from psyche_rl.loops.prompt_queue import PromptQueue
from psyche_rl.loops.prompt_schedule import PromptSchedule
from psyche_rl.loops.prompt_states import PromptStates
from psyche_rl.rollout.question_codec import QuestionCodec
from psyche_rl.stop import StopRequest
from psyche_rl.store import RunStore

P, N, STEPS = 4, 4, 6
GRPO = {
    "prompts_per_step": P, "mini_batch_prompts": 2, "group_size": N, "eval_every": 2, "save_every": 2,
    "max_tokens": 64, "sync_tolerance": 1e-3, "staleness": 2, "wait_s": 20,
}  # fmt: skip


class Killed(BaseException):
    """Stands in for SIGKILL: nothing of ours catches it."""


class Run:
    """A loop of one process over a run folder."""

    def __init__(self, folder, stream=None, broken=lambda _: False, dies_after=None, **grpo):
        self.store = RunStore(str(folder))
        self.config = config = GrpoConfig.model_validate(GRPO | grpo)
        codec = QuestionCodec(CharTokenizer(), PromptConfig(), config.max_tokens, 1024, (0,))
        self.calls, self.kept, self.said, self.lanes = [], {}, [], {}
        self.ledger = Ledger(self.store, "grpo")
        self.stream = FakeStream(self.calls, self.ledger, **(stream or {}))
        self.learner = FakeLearner(self.calls)
        budget = ErrorBudget("exam", config.reward.error_budget, config.reward.error_window)
        common = {
            "config": config, "seed": 3, "codec": codec, "rollouts": self.stream, "budget": budget,
            "scorers": FakeScorers(self.calls, broken), "ledger": self.ledger, "total_steps": STEPS,
        }  # fmt: skip
        schedule = PromptSchedule([question(i) for i in range(7)], P, 3, True)
        self.metrics = MetricsLog(self.store, "grpo")
        self.loop = AsyncGrpo(
            **common,
            learner=self.learner,
            reference=FakeReference(self.calls),
            probe=ExamProbe([question(90), question(91, "B")], codec),
            checkpoints=Checkpoints(self.store, "grpo", 2),
            metrics=self.metrics,
            keep_rollouts=self.kept.__setitem__,
            on_step=lambda step, _: self.die(step, dies_after),
            producer=Producer(**common, prompts=PromptQueue(schedule)),
            prompt_states=PromptStates(self.store, "grpo"),
            say=lambda what, **more: self.said.append((what, more)),
            keep_lanes=self.lanes.__setitem__,
        )

    def die(self, step, dies_after):
        if step == dies_after:
            raise Killed

    def __call__(self):
        return self.loop.run()

    def rows(self):
        return read_metrics(self.store, "grpo")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("staleness", [1, 2, 4])
def test_no_token_is_older_than_the_bound_and_the_books_close(tmp_path, staleness, seed):
    run = Run(tmp_path, {"slowest_s": 0.03, "seed": seed}, staleness=staleness)
    run()
    rows = run.rows()[1:]
    assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
    assert 0 < max(row["staleness/max"] for row in rows) <= staleness
    for step, kept in run.kept.items():
        assert len(kept) == P * N
        assert {row.step for row in kept} == {step}
        assert Counter(row.sample_id.rpartition("/")[0] for row in kept) == dict.fromkeys(
            {row.sample_id.rpartition("/")[0] for row in kept}, N
        )
    balance = run.ledger.close()
    assert balance.closes
    trained = [row.sample_id for kept in run.kept.values() for row in kept]
    assert len(set(trained)) == len(trained) == STEPS * P * N
    assert run.learner.updates == STEPS * 2
    # Fresh tokens are compared with the learner, stale ones are not.
    assert max(row.get("sync/logprob_diff_max", 0.0) for row in rows) < 1e-6


def test_each_step_keeps_what_workers_and_learner_did(tmp_path):
    run = Run(tmp_path)
    run()
    assert list(run.lanes) == list(range(1, STEPS + 1))
    for spans in run.lanes.values():
        assert {lane for lane, _ in spans} == {"worker 0", "learner"}
        assert {"train", "sync"} <= {stretch.state for lane, stretch in spans if lane == "learner"}


def test_generation_goes_on_while_the_learner_trains(tmp_path):
    run = Run(tmp_path, staleness=1)
    backward = run.learner.policy_backward
    seen = []

    def training(*args, **kwargs):
        seen.append([call for call in run.calls if call[0] == "submit"])
        return backward(*args, **kwargs)

    run.learner.policy_backward = training
    run()
    assert len(seen[0]) == 2 * P, "the groups of the next step are under way when the first trains"
    assert len({call[1] for call in run.calls if call[0] == "submit"}) == STEPS * P, "and none too many"


def test_what_is_stale_reaches_the_learner_with_the_engines_logprobs(tmp_path):
    run = Run(tmp_path, {"slowest_s": 0.03}, staleness=2)
    run()
    objectives = {objective.rollout_is for _, objective in run.learner.seen}
    assert objectives == {"token"}
    every = [s for sequences, _ in run.learner.seen for s in sequences]
    assert all(s.rollout_logprobs is not None for s in every)
    assert len({float(p) for s in every for p in s.rollout_logprobs}) > 1, "of several versions"


@pytest.mark.parametrize("dies_after", [1, 3, 4])
def test_a_run_that_is_cut_goes_on_and_loses_no_question(tmp_path, dies_after):
    with pytest.raises(Killed):
        Run(tmp_path, {"slowest_s": 0.03}, dies_after=dies_after)()
    again = Run(tmp_path, {"slowest_s": 0.03, "seed": 9})
    again()
    assert [row["step"] for row in again.rows()] == list(range(STEPS + 1))
    balance = again.ledger.close()
    assert balance.closes, balance.findings
    saved = dies_after // 2 * 2
    places = {int(call[1][1:]) for call in again.calls if call[0] == "submit"}
    assert len(places) == (STEPS - saved) * P
    if saved:
        state = PromptStates(again.store, "grpo").at(saved)
        assert {*state["under_way"], state["next"]} & places
        assert set(state["under_way"]) <= places, "what was under way is asked again"


def test_groups_without_variance_are_replaced_and_counted(tmp_path):
    def flat(request, index):
        return "答案：A" if int(request.id[1:]) % 3 == 0 else f"<think>想</think>答案：{'ABCD'[index % 4]}"

    run = Run(tmp_path, {"reply": flat}, dynamic_sampling=True, gen_batches=4, eval_every=0)
    run()
    assert all(row["group/zero_variance_share"] == 0 for row in run.rows())
    balance = run.ledger.close()
    told = sum(row["group/filtered"] for row in run.rows())
    assert 0 < told <= balance.line("filtered").groups
    assert sum(row["group/errored"] for row in run.rows()) == 0
    assert balance.line("trained").groups == STEPS * P


def test_the_books_show_a_buffer_that_counts_otherwise_than_workers_and_scorers(tmp_path):
    run = Run(tmp_path, {"slowest_s": 0.03}, staleness=2)
    amount = run.loop.producer.step_ended

    def one_token_more(done):
        held = run.loop.producer._held
        held.amount = lambda coming: HeldGroups.amount(held, coming) + Amount(tokens=1)
        return amount(done)

    run.loop.producer.step_ended = one_token_more
    run()
    with pytest.raises(LedgerError, match=r"the buffer holds \d+ groups, \d+ samples, \d+ tokens"):
        run.ledger.close()


def test_a_run_ends_by_name_when_nothing_is_left_to_teach(tmp_path):
    def dull(request, index):
        easy = int(request.id[1:]) < 3 * P
        return f"<think>想</think>答案：{'ABCD'[index % 4]}" if easy else "答案：A"

    run = Run(tmp_path, {"reply": dull}, dynamic_sampling=True, gen_batches=2, eval_every=0, save_every=10)
    run()
    done = run.rows()[-1]["step"]
    assert 0 < done < STEPS
    ((what, more),) = run.said
    assert what == "grpo: nothing left to teach"
    assert more["after_step"] == done
    assert run.loop.checkpoints.newest() == done
    assert run.ledger.close().closes
    nothing = Run(tmp_path / "none", {"reply": lambda *_: "答案：A"}, dynamic_sampling=True, eval_every=0)
    with pytest.raises(DataError, match="no variance"):
        nothing()


def test_groups_whose_scorers_fail_leave_and_are_replaced(tmp_path):
    # Of each third group one sample fails, which the buffer does not count as held either.
    broken = lambda s: s.id.startswith(("g1/", "g6/")) or s.id in {f"g{i}/2" for i in range(0, 30, 3)}  # noqa: E731
    grpo = {"reward": {"error_budget": 1.0}}
    run = Run(tmp_path, broken=broken, eval_every=0, **grpo)
    run()
    balance = run.ledger.close()
    assert balance.line("errored").groups == 2
    assert balance.line("trained").groups == STEPS * P
    stopped = Run(tmp_path / "strict", broken=lambda _: True, eval_every=0)
    with pytest.raises(RewardBudgetError):
        stopped()


def test_what_breaks_in_the_background_ends_the_run(tmp_path):
    lost = RemoteWaitError("rollout worker 0", "generate", 1, "workers keep dying")
    run = Run(tmp_path, {"fails": lambda request: lost if request.id == "g9" else None})
    with pytest.raises(RemoteWaitError, match="keep dying"):
        run()


def test_a_stall_has_a_deadline_that_names_what_is_waited_for(tmp_path):
    run = Run(tmp_path, {"capacity": 0}, wait_s=0.3)
    with pytest.raises(RemoteWaitError, match=r"rollouts.*waiting for groups.*no group came within 0 s"):
        run()


def test_asked_to_stop_while_it_waits_it_saves_the_last_finished_step(tmp_path):
    run = Run(tmp_path, save_every=100)
    publish = run.stream.publish

    def stopping(weights, version):
        if version == 3:
            run.stream.capacity = 0
            threading.Timer(0.3, run.loop.stop.request, ["SIGTERM"]).start()
        return publish(weights, version)

    run.stream.publish = stopping
    with pytest.raises(KeyboardInterrupt, match=r"after step \d of 6"):
        run()
    done = run.loop.checkpoints.newest()
    assert done == run.rows()[-1]["step"] >= 3
    again = Run(tmp_path)
    again()
    assert again.ledger.close().closes
    assert again.rows()[-1]["step"] == STEPS


def test_the_producer_takes_what_the_admission_gives_in_order_of_age(tmp_path):
    run = Run(tmp_path, staleness=4)
    producer = run.loop.producer
    run.ledger.begin(0)
    run.stream.publish(0, 0)
    producer.begin(0)
    groups = producer.take(StopRequest(), P)
    assert len(groups) == P
    assert np.mean([int(g.rollout.request.id[1:]) for g in groups]) < 5 * P / 2
    producer.end()


def test_groups_start_when_places_come_free_and_what_goes_wrong_then_ends_the_run(tmp_path):
    run = Run(tmp_path, {"capacity": 0})
    producer, stream = run.loop.producer, run.stream
    run.ledger.begin(0)
    stream.publish(0, 0)
    producer.begin(0)
    assert producer.rollouts.free == 0
    assert not any(call[0] == "submit" for call in stream.calls)
    stream.capacity = 1
    stream._when_free()
    assert [call[0] for call in stream.calls].count("submit") == 1
    stream.capacity = 10**6
    producer.prompts.next = lambda: 1 / 0
    stream._when_free()
    with pytest.raises(ZeroDivisionError):
        producer.take(StopRequest(), P)
    producer.end()


def seeded_or_greedy(request, index):
    return "答案：A" if request.seed is None else reply(request, index)


def test_benchmarks_are_measured_at_one_version_beside_the_step_that_follows(tmp_path):
    """The stream refuses a measurement of weights that it serves no more."""
    kept = []
    run = Run(tmp_path, {"slowest_s": 0.01, "reply": seeded_or_greedy}, staleness=1)
    run.loop.evaluations = Evaluations([probe(kept)], STEPS)
    run()
    at = {row["step"]: row.get("bench/mini_exam/version") for row in run.rows()}
    due = [step for step in range(STEPS + 1) if step % 2 == 0 or step == STEPS]
    assert [step for step, _, _ in kept] == due
    # Told with the next step's row, but for the first and the last.
    assert at == {
        step: 0 if step == 0 else STEPS if step == STEPS else step - 1 if step - 1 in due[1:] else None
        for step in range(STEPS + 1)
    }
    assert run.ledger.close().closes


def test_the_best_checkpoint_is_that_of_the_weights_which_the_benchmark_measured(tmp_path):
    metric = "bench/mini_exam/version"  # which rises, so that each is better than the one before
    named = {"evaluations": [{"benchmark": "mini_exam"}], "best_metric": metric, "keep_best": True}
    run = Run(tmp_path, {"reply": seeded_or_greedy}, staleness=1, save_every=100, **named)
    run.loop.evaluations = Evaluations([probe([])], STEPS)
    run.loop.checkpoints = Checkpoints(run.store, "grpo", 1, True, metric=metric)
    run()
    assert run.store.read_json("grpo/checkpoints/best.json") == {"step": STEPS, metric: float(STEPS)}
    rows = {row["step"]: row[metric] for row in run.rows() if metric in row}
    assert all(step == version for step, version in rows.items())
