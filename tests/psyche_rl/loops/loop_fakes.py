"""Fakes of what the GRPO loop holds; each writes its calls into one list, in order.

The "policy" is a number of updates: engine and learner agree on a token's log-probability only while the
engine serves the learner's current weights, so a loop that forgets to publish fails by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from checkpoint_folders import FakeSaves

from psyche_rl.learner.backward import Backward
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.sequence import PolicySequence, response_length
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.records import GenerationRequest, Question, Sample
from psyche_rl.rollout.sampling import Sampling
from psyche_rl.timeline.lane import LaneSpan, Stretch, of_worker
from rewards import RewardSample, Score, exam_reward

Calls = list[tuple[Any, ...]]


class CharTokenizer:
    """One character, one token; 0 ends a turn."""

    eos_token_id = 0
    all_special_ids, all_special_tokens, added_tokens_decoder = [0], ["<end>"], {}

    def apply_chat_template(self, chat: list[dict], add_generation_prompt: bool, tokenize: bool) -> str:
        assert not tokenize
        said = "".join(f"[{m['role']}]{m['content']}" for m in chat)
        return said + ("[assistant]" if add_generation_prompt else "")

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        assert not add_special_tokens
        return [ord(c) for c in text]

    def decode(self, ids: list[int], skip_special_tokens: bool) -> str:
        assert skip_special_tokens
        return "".join(chr(i) for i in ids if i)


def question(number: int, gold: str = "A", **changes: Any) -> Question:
    given = {
        "id": f"q{number}",
        "kind": "single",
        "stem": f"题干{number}",
        "options": tuple(f"{number}甲 {number}乙 {number}丙 {number}丁".split()),
        "gold": gold,
        "source": "test",
    }
    return Question.model_validate(given | changes)


def sample(
    text: str,
    place: str = "0/0",
    index: int = 0,
    logprob: float = -0.5,
    finish: str = "stop",
    version: int = 0,
) -> Sample:
    ids = (*map(ord, text), 0)
    return Sample(
        id=f"{place}/{index}",
        request_id=place,
        index=index,
        prompt_ids=(1, 2),
        response_ids=ids,
        logprobs=(logprob,) * len(ids),
        weight_versions=(version,) * len(ids),
        finish_reason=finish,
    )


def logprob(updates: int) -> float:
    return -0.5 - updates / 64


def reply(request: GenerationRequest, index: int) -> str:
    """Right, wrong or without format, as the request's own seed decides."""
    letter = "ABCD"[((request.seed or 0) // 7 + index) % 4]
    return f"<think>想</think>答案：{letter}" if index % 3 else f"答案：{letter}"


@dataclass
class FakeRollouts:
    calls: Calls
    reply: Callable[[GenerationRequest, int], str] = reply
    served: tuple[int, int] | None = None
    """Updates in the weights served, and their version."""
    ledger: Ledger | None = None
    resting: bool = False

    def rest(self) -> None:
        self.resting = True

    def generate(
        self, requests: Sequence[GenerationRequest], version: int, counted: bool = False
    ) -> list[list[Sample]]:
        assert self.served is not None
        assert not self.resting
        assert self.served[1] == version
        self.calls.append(("generate", version, tuple(requests)))
        groups = [
            [sample(self.reply(r, i), r.id, i, logprob(self.served[0]), version=version) for i in range(r.n)]
            for r in requests
        ]
        if counted:
            assert self.ledger is not None
            for slot in range(2):
                self.ledger.generated((s for group in groups[slot::2] for s in group), str(slot), 1)
        return groups

    def publish(self, weights: int, version: int) -> str:
        self.calls.append(("publish", version, weights))
        self.served, self.resting = (weights, version), False
        return "checksum"

    def lanes(self) -> list[LaneSpan]:
        return of_worker(0, [Stretch("generate", 1.0, 2.0)])


@dataclass
class FakeScorers:
    calls: Calls
    broken: Callable[[RewardSample], bool] = lambda sample: False

    def score(self, samples: Sequence[RewardSample], version: int) -> list[Score]:
        self.calls.append(("score", version, len(samples)))
        reward = exam_reward(1.0, 0.5)
        return [
            Score.failed("timeout", "no score within 10 s") if self.broken(s) else reward.score(s)
            for s in samples
        ]


@dataclass
class FakeReference:
    calls: Calls

    def ask(self, sequences: Sequence, temperature: float, version: int) -> Callable[[], list[np.ndarray]]:
        self.calls.append(("reference", version, temperature))
        return lambda: [np.full(response_length(s), -1.0) for s in sequences]


@dataclass
class FakeLearner(FakeSaves):
    calls: Calls
    updates: int = 0
    seen: list[tuple[list[PolicySequence], PolicyObjective]] = field(default_factory=list)

    @property
    def state(self) -> int:
        return self.updates

    @state.setter
    def state(self, updates: int) -> None:
        self.updates = updates

    def logprobs(self, sequences: Sequence, sampling: Sampling, version: int) -> list[np.ndarray]:
        self.calls.append(("old", version, sampling, len(sequences)))
        return self._logprobs(sequences)

    def policy_backward(
        self, sequences: list[PolicySequence], objective: PolicyObjective, version: int
    ) -> Backward:
        self.calls.append(("backward", version, len(sequences)))
        self.seen.append((list(sequences), objective))
        figures = {"loss": self.updates + 1.0, "ratio_max": 2.0 + self.updates}
        return Backward(self._logprobs(sequences), figures)

    def optimizer_step(self, version: int) -> dict[str, float]:
        self.calls.append(("update", version))
        self.updates += 1
        return {"grad_norm": 0.5}

    def _logprobs(self, sequences: Sequence) -> list[np.ndarray]:
        return [np.full(response_length(s), logprob(self.updates)) for s in sequences]

    def weights(self, version: int) -> int:
        self.calls.append(("weights", version))
        return self.updates

    def save(self, path: str, notes: Mapping[str, float]) -> None:
        self.calls.append(("save", Path(path).name))
        super().save(path, notes)

    def load(self, path: str) -> int:
        super().load(path)
        self.calls.append(("load", Path(path).name))
        return self.updates
