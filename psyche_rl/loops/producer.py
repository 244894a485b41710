"""Generation and scoring beside training: keeps as many groups under way as the staleness allows.

Role: the side of the asynchronous mode that never waits for the learner. The loop takes groups from it, and
tells it of finished steps and of the version that is served.
Collaborators: ``fleet.admission`` (which groups may start, and what a step is made of), ``prompt_queue``,
the streamed rollouts, the scorers, the ledger.
Invariants:
- A group ends in one way: taken for a step, or let go with a reason; the books are told in the same moment.
- Everything that changes is changed under one lock. Neither engines nor scorers are waited for under it.
- What goes wrong in the background is raised by the next :meth:`Producer.take`.
- Scores and samples of a group are independent of when they come: seeds belong to the place of the prompt.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Condition
from typing import Any

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.errors import RemoteWaitError
from psyche_rl.fleet.admission import Admission, AdmissionRule, StepState
from psyche_rl.fleet.refill import NothingLeftToTeach
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.loops.error_budget import ErrorBudget
from psyche_rl.loops.held_groups import HeldGroups
from psyche_rl.loops.prompt_queue import PromptQueue
from psyche_rl.loops.protocols import Scorers, StreamedRollouts
from psyche_rl.loops.scored_group import ScoredGroup
from psyche_rl.loops.step_batch import Rollout
from psyche_rl.records import GenerationRequest, Question, Sample
from psyche_rl.rollout.question_codec import QuestionCodec
from psyche_rl.rollout.sampling import Sampling
from psyche_rl.rollout.streaming import GroupGivenUpError
from psyche_rl.stop import StopRequest

Generated = Future[tuple[Sample, ...]]
POLL_S = 0.2
"""How soon a request to stop is noticed while the learner waits."""
SCORING = 8
"""Groups scored side by side; the pool behind has processes of its own, and its own order."""


@dataclass
class Producer:
    """:meth:`begin` before anything else."""

    config: GrpoConfig
    seed: int
    prompts: PromptQueue
    codec: QuestionCodec
    rollouts: StreamedRollouts
    scorers: Scorers
    budget: ErrorBudget
    ledger: Ledger
    total_steps: int
    _changed: Condition = field(default_factory=Condition)
    _let_go: Counter[str] = field(default_factory=Counter)

    def begin(self, done: int, state: Mapping[str, Any] | None = None) -> None:
        """``done`` steps are finished, and that version is served; groups are started from now on.

        Args:
            state: what :meth:`step_ended` returned for that step, in this process or an earlier one.
        """
        if state is not None:
            self.prompts.restore(state)
        rule = AdmissionRule(
            self.config.prompts_per_step,
            self.config.staleness,
            self.total_steps,
            gen_batches=self.config.gen_batches,
        )
        self._admission, self._version, self._booked = Admission(rule, done), done, done
        self._places: dict[str, int] = {}
        self._ready: dict[str, ScoredGroup] = {}
        self._held = HeldGroups()
        self._taken: list[ScoredGroup] = []
        self._broken: BaseException | None = None
        self._closed = False
        self._scoring = ThreadPoolExecutor(SCORING, "scoring")
        with self._changed:
            self._start_groups()
        self.rollouts.when_free(self._places_are_free)

    # -- for the loop --------------------------------------------------------------------------
    def take(self, stop: StopRequest, least: int) -> list[ScoredGroup] | NothingLeftToTeach:
        """Groups of the step being collected, waited for; fewer or none if the process is to stop.

        Args:
            least: how many, unless fewer complete the step; all that are ready come with them.

        Raises:
            RemoteWaitError: nothing came for ``grpo.wait_s``.
            Exception: whatever ended generation or scoring.
        """
        begun = last = time.monotonic()
        with self._changed:
            while not stop.requested:
                if self._broken is not None:
                    raise self._broken
                before = self._count()
                for taken in self._admission.take():
                    self._taken.append(self._ready.pop(taken.id))
                    self._forget(taken.id)
                self._start_groups()
                if verdict := self._admission.nothing_left():
                    return verdict
                if len(self._taken) >= least or not self.collecting:
                    break
                last = time.monotonic() if self._count() != before else last
                if time.monotonic() - last > self.config.wait_s:
                    why = f"no group came within {self.config.wait_s:.0f} s"
                    raise RemoteWaitError("rollouts", "waiting for groups", self._version, why)
                self._changed.wait(POLL_S)
            groups, self._taken = self._taken, []
        self.rollouts.waited(time.monotonic() - begun)
        return groups

    @property
    def collecting(self) -> bool:
        """Whether the step of the groups taken last is to have more."""
        with self._changed:
            return self._admission.state() is StepState.COLLECTING

    def trained(self) -> None:
        """The step of the groups taken last is finished."""
        with self._changed:
            self._admission.advance()

    def metrics(self) -> dict[str, float]:
        """Groups that were replaced since the last call."""
        with self._changed:
            counts = {f"group/{why}": float(self._let_go[why]) for why in ("filtered", "errored")}
            self._let_go.clear()
            return counts

    def served(self, version: int) -> None:
        """Every engine serves ``version`` by now."""
        with self._changed:
            self._version = version
            self._start_groups()

    def step_ended(self, done: int) -> dict[str, Any]:
        """Close the books of step ``done``; returns what a resumed run needs to go on from here."""
        with self._changed, self.rollouts.unfinished() as coming:
            names = [group.id for group in self._admission.outstanding]
            self.ledger.step_ended(done, names, self._held.amount(coming))
            self._booked = done
            return self.prompts.state()

    def end(self) -> None:
        """Take no more notice of what is under way."""
        with self._changed:
            self._closed = True
        self._scoring.shutdown(wait=False, cancel_futures=True)

    # -- what happens in the background ----------------------------------------------------------
    def _count(self) -> tuple[int, int, int]:
        """What is under way; another count is progress."""
        return self._admission.admitted, self._admission.under_way, len(self._ready)

    def _places_are_free(self) -> None:
        # Samples of a group end one by one: their places need not wait until its last one is scored.
        try:
            with self._changed:
                self._start_groups()
        except BaseException as error:
            self._break(error)

    def _start_groups(self) -> None:
        requests: list[tuple[Question, GenerationRequest]] = []
        room = self._admission.room(self._version)
        while not self._closed and room > len(requests) and self._fits(len(requests)):
            place, question = self.prompts.next()
            request = self.codec.request(
                question, f"g{place}", self.config.group_size, Sampling.of(self.config), self.seed
            )
            self._places[request.id] = place
            requests.append((question, request))
        for question, request in requests:
            self._admission.admit(request.id, self._version)
            self._held.asked(request)
            self.ledger.issued([request], version=self._version)
            self.rollouts.submit(request).add_done_callback(self._then(question, request))

    def _fits(self, asked: int) -> bool:
        """Whether an engine could begin one more group at once; the later a group starts, the fresher."""
        return self.rollouts.free - asked * self.config.group_size > 0

    def _then(self, question: Question, request: GenerationRequest) -> Callable[[Generated], None]:
        def generated(future: Generated) -> None:
            if self._closed:
                return
            error = future.exception()
            if isinstance(error, GroupGivenUpError):
                self._give_up(request, error.lengths)
            elif error is not None:
                self._break(error)
            else:
                rollout = Rollout(question, future.result(), request)
                with self._changed:
                    self._held.came(request.id, rollout.samples)
                self._scoring.submit(self._guarded, rollout)

        return generated

    def _guarded(self, rollout: Rollout) -> None:
        try:
            self._score(rollout)
        except BaseException as error:  # whatever it is ends the run, by the next ``take``
            self._break(error)

    def _score(self, rollout: Rollout) -> None:
        samples = [self.codec.reward_sample(rollout.question, sample) for sample in rollout.samples]
        scores = self.scorers.score(samples, version=self._version)
        group = ScoredGroup(rollout, tuple(samples), tuple(scores))
        with self._changed:
            if self._closed:
                return
            self.ledger.scored(rollout.samples, scores)
            self.budget.spend(samples, scores)
            self._decide(group)
            self._start_groups()
            self._changed.notify_all()

    def _decide(self, group: ScoredGroup) -> None:
        if (why := group.teaches_nothing(self.config)) is not None:
            self._let_go[why] += 1
            self._admission.leave(group.name, why)
            self.ledger.ended(why, self._booked + 1, group.name, group.lengths, judged=len(group.scores))
            return self._forget(group.name)
        versions = [version for sample in group.rollout.samples for version in sample.weight_versions]
        self._admission.ready(group.name, min(versions), max(versions))
        self._held.scored(group.name, group.amount)
        self._ready[group.name] = group

    def _give_up(self, request: GenerationRequest, lengths: Mapping[str, int]) -> None:
        """Workers keep dying at a group: it is let go like one whose scorers fail."""
        samples = {f"{request.id}/{i}": lengths.get(f"{request.id}/{i}", 0) for i in range(request.n)}
        with self._changed:
            self._let_go["errored"] += 1
            self._admission.leave(request.id, "errored")
            self.ledger.ended("errored", self._booked + 1, request.id, samples, judged=0)
            self._forget(request.id)
            self._start_groups()
            self._changed.notify_all()

    def _forget(self, name: str) -> None:
        self._held.gone(name)
        self.prompts.ended(self._places.pop(name))

    def _break(self, error: BaseException) -> None:
        with self._changed:
            self._broken = self._broken or error
            self._changed.notify_all()
