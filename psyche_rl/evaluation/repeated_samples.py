"""Several replies to each item: avg@k, pass@k and maj@k.

Sources: pass@k is the unbiased estimate of Chen et al. 2021 (arXiv 2107.03374), 1 - C(n-c, k) / C(n, k);
maj@k is self-consistency (Wang et al. 2022, arXiv 2203.11171) over the letters of the first k replies.
Invariant: ties of a vote fall to the answer that was given first, so that the same replies give the same
figure; replies without an answer have no vote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import comb


def avg_at_k(scores: Sequence[float]) -> float:
    """The mean over an item's replies."""
    return sum(scores) / len(scores)


def pass_at_k(right: int, n: int, k: int) -> float:
    """The chance that one of k replies is right, of n replies of which ``right`` are.

    Raises:
        ValueError: k is not among 1 to n, or ``right`` not among 0 to n.
    """
    if not 1 <= k <= n or not 0 <= right <= n:
        raise ValueError(f"pass@{k} of {n} replies, {right} right: k and the right ones must be among them")
    return 1.0 - comb(n - right, k) / comb(n, k)


def majority(answers: Sequence[str | None]) -> str | None:
    """The answer that most replies give; None where none gives any."""
    votes = Counter(answer for answer in answers if answer)
    return max(votes, key=lambda answer: votes[answer]) if votes else None


def maj_at_k(answers: Sequence[str | None], scores: Sequence[float]) -> float:
    """The score of the reply that says what most say; 0.0 where none gives an answer."""
    chosen = majority(answers)
    return 0.0 if chosen is None else scores[list(answers).index(chosen)]
