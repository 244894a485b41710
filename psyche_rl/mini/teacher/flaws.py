"""What the scripted teacher gets wrong by design, and when.

Invariant: each flaw is decided by (seed, what was asked) and, for HTTP faults (``faults``), the number of the
attempt, never by the order in which requests arrive. So a seed gives the same records however many requests
are in flight.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class TeacherFlaws:
    """Shares are in [0, 1]; the defaults of ``key_omission`` and ``wrong_rationale`` are the mini world's.

    Attributes:
        latency_ms: Time before every reply.
        fault_rate: Share of HTTP replies that are 429 or 500, half each.
        malformed: Share of question replies that are not the JSON asked for.
        key_omission: Share of multiple-choice keys from which a right option is left out (漏选).
        wrong_rationale: Share of rationales that reach another answer than the teacher's own key.
    """

    latency_ms: float = 0.0
    fault_rate: float = 0.0
    malformed: float = 0.0
    key_omission: float = 0.7
    wrong_rationale: float = 0.05


def break_json(text: str, rng: random.Random) -> str:
    """A reply as models spoil it: cut off in the middle, or an apology instead of JSON."""
    if rng.random() < 0.5:
        return text[: len(text) * 2 // 3]
    return "好的，以下是根据材料命制的题目，请查收。"
