"""The index over evaluation items that every training record is looked up in.

Role: proposes candidates fast (a table of whole items, an inverted index of stem n-grams, a MinHash LSH
index) and confirms each by its rule.
Collaborators: ``targets`` for the measures, rensa for MinHash, ``embedding_search`` where a model is given.
Invariants:
- Built once, read only afterwards.
- The same record gives the same matches in the same order.
- LSH only proposes: the similarity that decides is computed exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rensa import RMinHash, RMinHashLSH

from data_pipeline.decontamination.edit_similarity import best_matches, standing_in
from data_pipeline.decontamination.embedding_search import Alike, EmbeddingSearch, texts_to_compare
from data_pipeline.decontamination.evaluation_set import EvaluationItem
from data_pipeline.decontamination.fragments import Fragment
from data_pipeline.decontamination.matches import Part, Rule
from data_pipeline.decontamination.targets import (
    LONG_STEM,
    Target,
    pieces,
    shares_held,
    shingles_of,
    targets_of,
)
from psyche_rl.config.decontamination import DecontaminateConfig

PERMUTATIONS, BANDS, SEED = 128, 32, 1  # at Jaccard 0.7 LSH misses one pair in 6,000
GRAM, FEWEST_SHARED = 3, 0.35  # of an item's short n-grams; what holds fewer is not compared by edits
LEAST_ALIKE = 0.75  # of the stem, and of the options, whatever the other one is
LONGEST_TAIL = 600  # characters before the options in which the stem is looked for

_Found = tuple[int, Rule, Part, float]  # the target's place, what found it, what of it, how well


@dataclass(frozen=True)
class ItemHit:
    """An item found in a record."""

    item: EvaluationItem
    rule: Rule
    part: Part
    score: float


class EvaluationIndex:
    """All evaluation items, ready for look-up.

    >>> from psyche_rl.config.decontamination import DecontaminateConfig
    >>> from data_pipeline.decontamination.fragments import of_text
    >>> exam = [EvaluationItem("exam", "row 1", "短时记忆的容量约为多少个组块", ("七", "九"))]
    >>> index = EvaluationIndex(exam, DecontaminateConfig())
    >>> index.hits(of_text("单选题：短时记忆的 容量约为多少个组块（ ）\\nA.九\\nB.七"))[0].rule
    'ngram'
    """

    def __init__(
        self, items: Sequence[EvaluationItem], settings: DecontaminateConfig, device: str | None = "cpu"
    ) -> None:
        """``device`` is where the embedding model works; None is the best that torch finds.

        Raises:
            ConfigError: there is no embedding model in the folder that the settings name.
        """
        self.settings = settings
        self._items = items
        self._long_stem = LONG_STEM * settings.stem_chars
        self._search = (
            None
            if settings.embedding_model is None
            else EmbeddingSearch(
                items, settings.embedding_model, settings.embedding_similarity, self._long_stem, device
            )
        )
        self.sets = dict(Counter(item.set for item in items))
        self._targets = targets_of(items, settings.ngram, settings.shingle, settings.stem_chars)
        self._whole: dict[tuple[str, frozenset[str]], list[int]] = {}
        self._grams: dict[int, dict[str, list[int]]] = {}
        self._short_grams: dict[str, list[int]] = {}
        self._lsh = RMinHashLSH(settings.jaccard, PERMUTATIONS, BANDS)
        for place, target in enumerate(self._targets):
            if not target.is_case:
                self._whole.setdefault((target.text, target.options), []).append(place)
            for unit in sorted(target.units):
                self._grams.setdefault(len(unit), {}).setdefault(unit, []).append(place)
            self._lsh.insert(place, _signature(target.shingles))
            if target.options and not target.is_case:
                for gram in sorted(target.short_grams):
                    self._short_grams.setdefault(gram, []).append(place)
        self._longest = max((len(t.shingles) for t in self._targets), default=0)

    def hits_of(self, records: Sequence[tuple[Iterable[Fragment], str]]) -> list[list[ItemHit]]:
        """For each record, given as its fragments and its text, the items that it holds."""
        by_rules = [self.hits(fragments) for fragments, _ in records]
        if self._search is None:
            return by_rules
        alike = self._search.hits([texts_to_compare(text, self._long_stem) for _, text in records])
        return [self._with(found, more) for found, more in zip(by_rules, alike, strict=True)]

    def told(self) -> dict[str, Any]:
        """What a report says of the embedding model: how close items are that only share their subject."""
        nearest = self._search.nearest_other() if self._search is not None else []
        if not nearest:
            return {}
        told = {f"p{share}": round(float(np.percentile(nearest, share)), 4) for share in (50, 90, 99)}
        return {"nearest_other_item": told}

    def _with(self, found: list[ItemHit], more: Iterable[Alike]) -> list[ItemHit]:
        known = {(hit.item.set, hit.item.place) for hit in found}
        new = (ItemHit(self._items[one.place], "embedding", one.part, one.score) for one in more)
        return [*found, *(hit for hit in new if (hit.item.set, hit.item.place) not in known)]

    def hits(self, fragments: Iterable[Fragment]) -> list[ItemHit]:
        """The items in a record, each by the first rule on characters that finds it, in their order."""
        found: dict[int, ItemHit] = {}
        for fragment in fragments:
            for place, rule, part, score in (
                *self._exact(fragment),
                *self._overlapping(fragment),
                *self._similar(fragment),
                *self._paraphrased(fragment),
            ):
                target = self._targets[place]
                seen: Part = "case" if target.is_case else part
                found.setdefault(place, ItemHit(target.item, rule, seen, round(score, 4)))
        return [found[place] for place in sorted(found)]

    def _exact(self, fragment: Fragment) -> Iterable[_Found]:
        """The same canonical stem with the same options in any order."""
        if fragment.options is not None:
            for place in self._whole.get((fragment.text, fragment.options), ()):
                yield place, "exact", "question", 1.0

    def _overlapping(self, fragment: Fragment) -> Iterable[_Found]:
        """Enough of the n-grams of stem and options, or of a stem that says enough, stand in the fragment."""
        counts: Counter[int] = Counter()
        for length, grams in self._grams.items():
            for unit in pieces_of_length(fragment.text, length) & grams.keys():
                counts.update(grams[unit])
        for place in sorted(counts):
            target = self._targets[place]
            if counts[place] < self.settings.share * len(target.units):
                continue
            stem, options = shares_held(target, fragment, self.settings.ngram)
            if target.options and options >= self.settings.share:
                yield place, "ngram", "question", min(stem, options)
            elif self._alone(target, fragment):
                yield place, "ngram", "stem" if target.options else "question", stem

    def _similar(self, fragment: Fragment) -> Iterable[_Found]:
        """The whole fragment is nearly the item."""
        if len(fragment.text) > (self._longest + self.settings.shingle) / self.settings.jaccard * 2:
            return
        shingles = shingles_of(fragment, self.settings.shingle)
        if not shingles or len(shingles) * self.settings.jaccard > self._longest:
            return
        for place in sorted(self._lsh.query(_signature(shingles))):
            target = self._targets[place]
            if target.options or self._alone(target, fragment):
                score = len(shingles & target.shingles) / len(shingles | target.shingles)
                if score >= self.settings.jaccard:
                    yield place, "minhash", "question", score

    def _paraphrased(self, fragment: Fragment) -> Iterable[_Found]:
        """A question whose stem and options are the item's but for a few characters; what stands before the
        stem (an instruction) does not count."""
        if not fragment.options:
            return
        text = fragment.text[-LONGEST_TAIL:]
        shared: Counter[int] = Counter()
        held = pieces(text, GRAM).union(*(pieces(option, GRAM) for option in fragment.options))
        for gram in held & self._short_grams.keys():
            shared.update(self._short_grams[gram])
        for place in sorted(shared):
            target = self._targets[place]
            if (
                shared[place] < FEWEST_SHARED * len(target.short_grams)
                or target.length < self.settings.stem_chars
            ):
                continue
            stem, options = standing_in(target.text, text), best_matches(target.options, fragment.options)
            size = sum(map(len, target.options))
            score = (len(target.text) * stem + size * options) / (len(target.text) + size)
            if min(stem, options) >= LEAST_ALIKE and score >= self.settings.similarity:
                yield place, "edits", "question", score

    def _alone(self, target: Target, fragment: Fragment) -> bool:
        """Whether the stem without its options is enough in this fragment."""
        if fragment.options and not target.is_case:
            return target.identifying and len(target.text) >= self._long_stem
        return target.identifying


def pieces_of_length(text: str, n: int) -> frozenset[str]:
    """All substrings of exactly ``n`` characters."""
    return pieces(text, n) if len(text) >= n else frozenset()


def _signature(shingles: frozenset[str]) -> RMinHash:
    signature = RMinHash(PERMUTATIONS, SEED)
    signature.update(sorted(shingles))
    return signature
