"""What calls used and what they cost, per stage and model; and the cap on both. Pure.

Costs are in the config's currency; a model without a price costs nothing (``TeacherConfig`` refuses a cap
on costs that it would slip through). Invariant of :class:`Budget`: what was used and what is promised to
calls in flight never passes the cap, as far as a call's bound holds (:func:`most_tokens`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from psyche_rl.config.teacher import BudgetConfig, PriceConfig, TeacherConfig
from psyche_rl.llm.chat import ChatRequest

_PER_MESSAGE = 16  # tokens that chat templates put around a message, with room to spare
FREE = PriceConfig()


@dataclass(frozen=True, slots=True)
class Usage:
    """All calls of one stage under one model name. Failed calls count no tokens: no server says theirs."""

    stage: str
    model: str
    calls: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    cost: float

    def __add__(self, other: Usage) -> Usage:
        """Their sum, under the name of the first."""
        return Usage(
            self.stage,
            self.model,
            self.calls + other.calls,
            self.failed + other.failed,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost + other.cost,
        )


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens and what they cost."""

    tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.tokens + other.tokens, self.cost + other.cost)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.tokens - other.tokens, self.cost - other.cost)


def cost_of(price: PriceConfig, prompt_tokens: int, completion_tokens: int) -> float:
    """The price of so many tokens."""
    return (price.prompt * prompt_tokens + price.completion * completion_tokens) / 1e6


def spent(prices: Mapping[str, PriceConfig], tokens: Mapping[str, tuple[int, int]]) -> Spent:
    """The sum over models of (prompt, completion) tokens."""
    total = Spent()
    for model, (prompt, completion) in tokens.items():
        total += Spent(prompt + completion, cost_of(prices.get(model, FREE), prompt, completion))
    return total


def most_tokens(request: ChatRequest) -> tuple[int, int]:
    """The most prompt and completion tokens that a call can take: a token holds at least one byte."""
    prompt = sum(len(content.encode()) + _PER_MESSAGE for _, content in request.messages)
    extra = json.loads(request.extra) if request.extra else {}
    most = [extra.get(name, 0) for name in ("max_completion_tokens", "max_tokens")]
    reply = max(request.max_tokens, *(number for number in most if isinstance(number, int)))
    return prompt + len((request.schema or "").encode()), reply


class Budget:
    """Counts towards the cap; one owner, one thread."""

    def __init__(self, teacher: TeacherConfig, used: Spent) -> None:
        self._cap: BudgetConfig = teacher.budget
        self._prices = teacher.prices
        names = {server.model or teacher.model for server in teacher.servers()}
        self._dearest = [teacher.prices.get(name, FREE) for name in sorted(names)]
        self._currency = teacher.currency
        self.used, self.promised, self.in_flight = used, Spent(), 0

    @property
    def is_capped(self) -> bool:
        """Whether there is any cap."""
        return self._cap.cost is not None or self._cap.tokens is not None

    def bound(self, request: ChatRequest) -> Spent:
        """The most that a call can take, at the dearest endpoint."""
        prompt, completion = most_tokens(request)
        cost = max(cost_of(price, prompt, completion) for price in self._dearest)
        return Spent(prompt + completion, cost)

    def allows(self, more: Spent) -> bool:
        """Whether a call with this bound may be sent now."""
        total = self.used + self.promised + more
        return (self._cap.tokens is None or total.tokens <= self._cap.tokens) and (
            self._cap.cost is None or total.cost <= self._cap.cost
        )

    def promise(self, bound: Spent) -> None:
        """A call is being sent."""
        self.promised, self.in_flight = self.promised + bound, self.in_flight + 1

    def settle(self, bound: Spent, model: str, tokens: tuple[int, int]) -> None:
        """A call has ended; ``tokens`` are zero for one that failed."""
        self.in_flight -= 1
        # Sums of floats leave dust behind, which would grow over many calls.
        self.promised = self.promised - bound if self.in_flight else Spent()
        self.used += spent(self._prices, {model: tokens})

    def reached(self) -> str:
        """One line about the cap."""
        left = "what is left is too little for one more call"
        if self._cap.cost is not None:
            return f"cost {self.used.cost:.4g} of {self._cap.cost:g} {self._currency}; {left}"
        return f"{self.used.tokens:,} of {self._cap.tokens or 0:,} tokens; {left}"
