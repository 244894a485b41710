"""A pretended asynchronous run: groups in flight over steps, workers that die, every kind of end.

Whatever happens in which order, the books close with what each party counted by itself; and with one call of
any party left out or made twice they do not.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_ledger import request, sample

from psyche_rl.errors import LedgerError
from psyche_rl.ledger.balance import Amount
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.store import RunStore
from rewards import Score

SIZE, PROMPTS, BUFFER, STEPS = 2, 2, 5, 4
ONE_CALL = ("issued", "generated", "scored", "trained", "ended")
"""Not ``lost``, which the next worker's attempt confirms only where the group was still wanted."""


class Unfaithful:
    """A ledger whose ``nth`` call of a verb does not arrive, or arrives twice."""

    def __init__(self, ledger: Ledger, verb: str = "", nth: int = 0, times: int = 1) -> None:
        self.ledger, self.verb, self.nth, self.times = ledger, verb, nth, times
        self.calls: Counter[str] = Counter()

    def __getattr__(self, verb: str):
        def call(*arguments, **named):
            self.calls[verb] += 1
            hit = (verb, self.calls[verb]) == (self.verb, self.nth)
            for _ in range(self.times if hit else 1):
                answer = getattr(self.ledger, verb)(*arguments, **named)
            return None if hit else answer

        return call


@dataclass
class Group:
    name: str
    version: int
    lengths: dict[str, int] = field(default_factory=dict)
    """What is there of it."""
    attempts: Counter = field(default_factory=Counter)
    failed: str | None = None


class Run:
    """The parties of a run and what each counts by itself."""

    def __init__(self, ledger, chance: random.Random) -> None:
        self.ledger, self.chance = ledger, chance
        self.buffer: list[Group] = []
        self.issued = self.version = 0
        self.own: Counter[str] = Counter()

    def __call__(self) -> None:
        self.ledger.begin(0)
        while self.version < STEPS:
            self.one_step(self.version + 1)
        for group in self.buffer:
            self.end(group, "surplus", STEPS + 1)
        self.buffer.clear()
        self.ledger.step_ended(STEPS + 1)

    def one_step(self, step: int) -> None:
        taken: list[Group] = []
        while len(taken) < PROMPTS:
            while len(self.buffer) < BUFFER:
                self.issue()
            self.something_is_generated()
            for group in [g for g in self.buffer if len(g.lengths) == SIZE]:
                self.buffer.remove(group)
                self.judge(group)
                how = self.chance.choice(["trained", "trained", "trained", "filtered", "stale", "errored"])
                if how == "trained" and len(taken) < PROMPTS:
                    taken.append(group)
                else:
                    self.end(group, "filtered" if how == "trained" else how, step, judged=SIZE)
        self.ledger.trained(step, {s: n for g in taken for s, n in g.lengths.items() if s != g.failed})
        self.own["trained"] += sum(n for g in taken for s, n in g.lengths.items() if s != g.failed)
        self.version = step
        there = Amount(
            len(self.buffer), SIZE * len(self.buffer), sum(sum(g.lengths.values()) for g in self.buffer)
        )
        self.ledger.step_ended(step, [g.name for g in self.buffer], there)

    def issue(self) -> None:
        group = Group(f"{self.version}/{self.issued}", self.version)
        self.issued += 1
        self.ledger.issued([request(group.name, SIZE)], group.version)
        self.buffer.append(group)

    def something_is_generated(self) -> None:
        group = self.chance.choice(self.buffer)
        index = next(i for i in range(SIZE) if f"{group.name}/{i}" not in group.lengths)
        name, tokens = f"{group.name}/{index}", self.chance.randint(1, 9)
        group.attempts[name] += 1
        worker = f"w{self.chance.randint(1, 3)}.{group.attempts[name]}"
        if self.chance.random() < 0.2:
            self.ledger.lost(group.name, {name: tokens}, worker)
            return
        self.ledger.generated([sample(group.name, index, tokens)], worker, attempt=group.attempts[name])
        self.own["issued"] += tokens
        group.lengths[name] = tokens

    def judge(self, group: Group) -> None:
        samples = [sample(group.name, i, group.lengths[f"{group.name}/{i}"]) for i in range(SIZE)]
        fails = self.chance.random() < 0.2
        scores = [Score(value=1.0), Score.failed("timeout", "late") if fails else Score(value=0.0)]
        group.failed = samples[1].id if fails else None
        self.ledger.scored(samples, scores)

    def end(self, group: Group, how: str, step: int, judged: int = 0) -> None:
        lengths = {f"{group.name}/{i}": group.lengths.get(f"{group.name}/{i}", 0) for i in range(SIZE)}
        told = {s: n for s, n in lengths.items() if s != group.failed}
        self.ledger.ended(how, step, group.name, told, judged)


def run(folder, seed: int, *fault) -> tuple[Run, Unfaithful]:
    ledger = Unfaithful(Ledger(RunStore(str(folder)), "grpo"), *fault)
    made = Run(ledger, random.Random(seed))
    made()
    return made, ledger


@pytest.mark.parametrize("seed", range(5))
def test_the_books_of_an_asynchronous_run_close_with_what_each_party_counted(tmp_path, seed):
    made, ledger = run(tmp_path, seed)
    balance = ledger.ledger.close()
    assert balance.line("issued") == Amount(made.issued, SIZE * made.issued, made.own["issued"])
    assert balance.line("trained").groups == STEPS * PROMPTS
    assert balance.line("trained").tokens == made.own["trained"]
    assert {ledger.calls[verb] > 0 for verb in ONE_CALL} == {True}


@cache
def calls_of(seed: int) -> Counter[str]:
    """How often each verb is called in a faithful run."""
    with tempfile.TemporaryDirectory() as folder:
        return run(folder, seed)[1].calls


@given(st.integers(0, 4), st.sampled_from(ONE_CALL), st.integers(0, 10**6), st.sampled_from([0, 2]))
@settings(max_examples=25, deadline=None)
def test_one_call_left_out_or_made_twice_opens_them(tmp_path_factory, seed, verb, place, times):
    nth = place % calls_of(seed)[verb] + 1
    _, ledger = run(tmp_path_factory.mktemp("faulty"), seed, verb, nth, times)
    with pytest.raises(LedgerError, match="the books do not close"):
        ledger.ledger.close()
