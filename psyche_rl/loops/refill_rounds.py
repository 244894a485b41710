"""Dynamic sampling in sync mode: rounds of generate and score until the step has groups to learn from.

Role: the first round asks as many groups as a step has prompts, each further one as many as are missing.
Collaborators: ``fleet.admission`` with a staleness of 0 (what is missing, and when to give up),
``prompt_queue`` (which question is next), the rollouts, the scorers, the ledger; ``grpo_sync`` asks for a
step's groups.
Invariants:
- A round is whole before the next is asked, so what a step asks depends on seed, weights and the place in the
  schedule that the step before left, never on timing.
- A group ends in one way: taken for the step, or let go with a reason; the books are told in the same moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.fleet.admission import Admission, AdmissionRule, StepState
from psyche_rl.fleet.refill import NothingLeftToTeach
from psyche_rl.ledger.balance import Amount
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.loops.clock import PhaseClock
from psyche_rl.loops.error_budget import ErrorBudget
from psyche_rl.loops.prompt_queue import PromptQueue
from psyche_rl.loops.protocols import Rollouts, Scorers
from psyche_rl.loops.scored_group import ScoredGroup
from psyche_rl.loops.step_batch import Rollout
from psyche_rl.rollout.question_codec import QuestionCodec
from psyche_rl.rollout.sampling import Sampling


@dataclass
class RefillRounds:
    """:meth:`begin` before anything else."""

    config: GrpoConfig
    seed: int
    prompts: PromptQueue
    codec: QuestionCodec
    rollouts: Rollouts
    scorers: Scorers
    budget: ErrorBudget
    ledger: Ledger
    total_steps: int
    _let_go: Counter[str] = field(default_factory=Counter)

    def begin(self, done: int, state: Mapping[str, Any] | None = None) -> None:
        """``done`` steps are finished; ``state``: what :meth:`step_ended` returned for that step."""
        if state is not None:
            self.prompts.restore(state)
        rule = AdmissionRule(
            self.config.prompts_per_step, 0, self.total_steps, gen_batches=self.config.gen_batches
        )
        self._admission = Admission(rule, done)

    def collect(
        self, step: int, clock: PhaseClock, heed_stop: Callable[[int], None]
    ) -> list[ScoredGroup] | NothingLeftToTeach:
        """The groups of a step, all sampled at its version; fewer where ``gen_batches`` do not fill it."""
        found: dict[str, ScoredGroup] = {}
        taken: list[ScoredGroup] = []
        self._let_go.clear()
        before = self._admission.admitted
        while self._admission.state() is StepState.COLLECTING:
            heed_stop(step)
            with clock("generate"):
                rollouts = self._generate(step, self._admission.admitted - before)
            heed_stop(step)
            with clock("score"):
                for group in self._score(step, rollouts):
                    found[group.name] = group
                    self._decide(step, group)
            taken += [found[group.id] for group in self._admission.take()]
        return self._admission.nothing_left() or taken

    def metrics(self) -> dict[str, float]:
        """Groups that were replaced since the step before."""
        return {f"group/{why}": float(self._let_go[why]) for why in ("filtered", "errored")}

    def step_ended(self, done: int) -> dict[str, Any]:
        """Close the books of step ``done``; returns what a resumed run needs to go on from here."""
        self._admission.advance()
        self.ledger.step_ended(done, (), Amount())
        return self.prompts.state()

    # -- one round -----------------------------------------------------------------------------
    def _generate(self, step: int, asked: int) -> list[Rollout]:
        n, sampling = self.config.group_size, Sampling.of(self.config)
        places = [self.prompts.next() for _ in range(self._admission.room(step))]
        requests = [
            self.codec.request(question, f"{step}/{asked + i}", n, sampling, self.seed)
            for i, (_, question) in enumerate(places)
        ]
        for (place, _), request in zip(places, requests, strict=True):
            self._admission.admit(request.id, step)
            self.prompts.ended(place)  # no step is cut within: a resumed one asks from the state before
        self.ledger.issued(requests, version=step)
        groups = self.rollouts.generate(requests, version=step, counted=True)
        asked_for = zip(places, groups, requests, strict=True)
        return [Rollout(question, tuple(group), request) for (_, question), group, request in asked_for]

    def _score(self, step: int, rollouts: list[Rollout]) -> list[ScoredGroup]:
        """All of a round in one call, which keeps every scorer busy."""
        samples = [self.codec.reward_sample(r.question, s) for r in rollouts for s in r.samples]
        scores = self.scorers.score(samples, version=step)
        self.ledger.scored([s for r in rollouts for s in r.samples], scores)
        self.budget.spend(samples, scores)
        pairs = iter(zip(samples, scores, strict=True))
        groups = []
        for rollout in rollouts:
            of = [next(pairs) for _ in rollout.samples]
            groups.append(ScoredGroup(rollout, tuple(s for s, _ in of), tuple(score for _, score in of)))
        return groups

    def _decide(self, step: int, group: ScoredGroup) -> None:
        if (why := group.teaches_nothing(self.config)) is None:
            self._admission.ready(group.name, step, step)
            return
        self._let_go[why] += 1
        self._admission.leave(group.name, why)
        self.ledger.ended(why, step + 1, group.name, group.lengths, judged=len(group.scores))
