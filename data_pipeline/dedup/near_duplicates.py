"""Which records are nearly the same as an earlier one: one pass, one index, first come is kept.

Collaborators: rensa makes the signatures and holds the LSH index; ``text.comparable`` folds what
is compared.
Invariants:
- The keeper is the first in order and is itself never a near-duplicate.
- A record is compared with keepers only, so a chain of small changes is not followed into another text.
- What shares no band of its signature with any other record is kept without entering the index.
- The seed is fixed, so the same records in the same order give the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeVar

import numpy as np
from rensa import RMinHash, RMinHashLSH

from data_pipeline.text.comparable import comparable
from psyche_rl.config.dedup import DedupConfig
from psyche_rl.records import Passage, Question, Record, content_id
from psyche_rl.store.stored_records import where

R = TypeVar("R", bound=Record)
Entry = tuple[str, frozenset[str]]
"""Id and shingles of a record."""
SEED = 1
CHUNK = 1024  # records that are signed at once


class NearDuplicate(Record):
    """A record left out, the earlier one that stands for it, and the estimated Jaccard similarity."""

    id: str
    keeper: str
    jaccard: float


class NearDuplicates:
    """The index over what was kept so far; feed it any number of times, in order.

    >>> index = NearDuplicates(DedupConfig(threshold=0.7))
    >>> texts = {"a": "遗忘在学习之后立刻开始。", "b": "遗忘，在学习之后立刻开始", "c": "注意的容量有限。"}
    >>> entries = [(name, frozenset(comparable(text))) for name, text in texts.items()]
    >>> [found and found.keeper for found in index.add(entries)]
    [None, 'a', None]
    """

    def __init__(self, settings: DedupConfig) -> None:
        self._settings = settings
        self._lsh = RMinHashLSH(settings.threshold, settings.permutations, settings.bands)
        self._keepers: list[tuple[str, RMinHash]] = []

    def add(self, records: Iterable[Entry]) -> Iterator[NearDuplicate | None]:
        """For each (id, shingles): None if it is kept, else what it repeats. Nothing to compare is kept."""
        for chunk in _chunks(records):
            signatures = RMinHash.from_token_sets(
                [sorted(shingles) for _, shingles in chunk], num_perm=self._settings.permutations, seed=SEED
            )
            for (id_, shingles), signature in zip(chunk, signatures, strict=True):
                yield self._place(id_, signature) if shingles else None

    def _place(self, id_: str, signature: RMinHash) -> NearDuplicate | None:
        best: tuple[float, int] | None = None
        for key in self._lsh.query(signature):
            similar = signature.jaccard(self._keepers[key][1])
            if similar >= self._settings.threshold and (best is None or (similar, -key) > best):
                best = (similar, -key)
        if best is not None:
            return NearDuplicate(id=id_, keeper=self._keepers[-best[1]][0], jaccard=round(best[0], 4))
        self._lsh.insert(len(self._keepers), signature)
        self._keepers.append((id_, signature))
        return None


def question_shingles(question: Question, k: int) -> frozenset[str]:
    """Shingles of the stem and of each option, so that their order plays no part; those of a case's questions
    bear its mark: a long case would drown what is asked about it, and "the diagnosis is" means another thing
    in another case."""
    found = frozenset[str]().union(*(shingles(text, k) for text in (question.stem, *question.options)))
    if question.case is None:
        return found
    mark = content_id("case", comparable(question.case))
    return frozenset(f"{mark} {shingle}" for shingle in found)


def shingles(text: str, k: int) -> frozenset[str]:
    """Runs of ``k`` characters of the folded text; a shorter one is one shingle."""
    folded = comparable(text)
    if not folded:
        return frozenset()
    return frozenset(folded[i : i + k] for i in range(max(1, len(folded) - k + 1)))


def unique_passages(
    passages: Collection[Passage], settings: DedupConfig
) -> tuple[Collection[Passage], list[NearDuplicate]]:
    """Passages without near-duplicates, and those left out."""
    return _unique(passages, settings, lambda p: (p.id, shingles(p.text, settings.shingle)))


def unique_questions(
    questions: Collection[Question], settings: DedupConfig
) -> tuple[Collection[Question], list[NearDuplicate]]:
    """Questions without near-duplicates, and those left out."""
    return _unique(questions, settings, lambda q: (q.id, question_shingles(q, settings.shingle)))


def _unique(
    records: Collection[R], settings: DedupConfig, entry: Callable[[R], Entry]
) -> tuple[Collection[R], list[NearDuplicate]]:
    if not settings.enabled:
        return records, []
    found: dict[int, NearDuplicate] = {}
    alike = may_be_alike(map(entry, records), settings)
    looked_at = where(records, alike)
    repeats = NearDuplicates(settings).add(map(entry, looked_at))
    for place, repeat in zip(np.flatnonzero(alike), repeats, strict=True):
        if repeat is not None:
            found[int(place)] = repeat
    return where(records, (place not in found for place in range(len(records)))), list(found.values())


def may_be_alike(entries: Iterable[Entry], settings: DedupConfig) -> np.ndarray:
    """Of each (id, shingles), whether it shares a band of its signature with another (bool).

    Only these can be near-duplicates, or what near-duplicates repeat, so that the index, at two kilobytes a
    record, need not hold the others: here a record costs four bytes a band.
    """
    rows = settings.permutations // settings.bands
    odd = np.random.default_rng(SEED).integers(1, 2**63, rows, np.uint64) * np.uint64(2) + np.uint64(1)
    parts = [np.zeros((0, settings.bands), np.uint32)]
    told = [np.zeros(0, bool)]
    for chunk in _chunks(entries):
        digests = RMinHash.digests_from_token_sets(
            [sorted(shingles) for _, shingles in chunk], num_perm=settings.permutations, seed=SEED
        )
        bands = np.array(digests, np.uint64).reshape(len(chunk), settings.bands, rows)
        mixed = (bands * odd).sum(axis=2, dtype=np.uint64)  # equal bands are equal numbers
        parts.append((mixed >> np.uint64(32)).astype(np.uint32))
        told.append(np.array([bool(shingles) for _, shingles in chunk]))
    something, alike = np.concatenate(told), np.zeros(sum(map(len, parts)), bool)
    for band in range(settings.bands):
        numbers = np.concatenate([part[:, band] for part in parts])[something]
        _, place, count = np.unique(numbers, return_inverse=True, return_counts=True)
        alike[np.flatnonzero(something)[count[place] > 1]] = True
    return alike


def _chunks(records: Iterable[Entry]) -> Iterator[list[Entry]]:
    chunk: list[Entry] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
