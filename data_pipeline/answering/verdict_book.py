"""What all selectors answered to all questions, without the texts of their replies: ten-odd bytes a verdict.

Role: what selection decides by; the texts stay in the verdict files.
Invariants:
- The verdicts of a question are in the order in which they were entered.
- An answer is held as it was given, and once however often it was given.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from psyche_rl.records import Verdict
from psyche_rl.store.digests import digest64


class VerdictBook(Mapping[str, Sequence[Verdict]]):
    """Question id -> verdicts with empty texts. Enter all, then look up."""

    def __init__(self) -> None:
        self._questions, self._samples = array("Q"), array("i")
        self._selectors, self._answers, self._right = array("H"), array("i"), array("b")
        self._names: dict[str, int] = {}
        self._given: dict[str | None, int] = {}
        self._order: np.ndarray | None = None

    def enter(self, verdict: Verdict) -> None:
        """Add one."""
        self._questions.append(digest64(verdict.question_id))
        self._samples.append(verdict.sample)
        self._selectors.append(self._names.setdefault(verdict.selector, len(self._names)))
        self._answers.append(self._given.setdefault(verdict.answer, len(self._given)))
        self._right.append(verdict.correct)
        self._order = None

    def __getitem__(self, question_id: str) -> Sequence[Verdict]:
        order, digests = self._sorted()
        digest = np.uint64(digest64(question_id))
        first, last = (int(np.searchsorted(digests, digest, side)) for side in ("left", "right"))
        if first == last:
            raise KeyError(question_id)
        return [self._verdict(int(at), question_id) for at in order[first:last]]

    def __contains__(self, question_id: object) -> bool:
        if not isinstance(question_id, str):
            return False
        digests, digest = self._sorted()[1], np.uint64(digest64(question_id))
        at = int(np.searchsorted(digests, digest))
        return at < len(digests) and bool(digests[at] == digest)

    def __len__(self) -> int:
        return len(np.unique(self._sorted()[1]))

    def __iter__(self) -> Iterator[str]:
        raise TypeError("the ids themselves are not kept")

    def _sorted(self) -> tuple[np.ndarray, np.ndarray]:
        if self._order is None:
            digests = np.array(self._questions, np.uint64)
            self._order = np.argsort(digests, kind="stable").astype(np.int32)
            self._digests = digests[self._order]
            self._name_of, self._answer_of = list(self._names), list(self._given)
        return self._order, self._digests

    def _verdict(self, at: int, question_id: str) -> Verdict:
        return Verdict.model_construct(
            question_id=question_id,
            selector=self._name_of[self._selectors[at]],
            sample=self._samples[at],
            text="",
            answer=self._answer_of[self._answers[at]],
            correct=bool(self._right[at]),
            error=None,
        )
