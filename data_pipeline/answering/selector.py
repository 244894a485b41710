"""One LLM that answers questions, and the batches that it is asked in. Pure, but for the digest of its model.

Collaborators: ``engine_job`` and ``endpoint_job`` get the answers; ``judge`` plans them.
Invariants:
- The key of a batch is made of everything that its verdicts depend on.
- Seeds belong to questions, so results do not depend on what shares a batch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from data_pipeline.answering.verdict import can_be_judged
from psyche_rl.config import RunConfig
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.config.selection import SelectConfig, is_remote
from psyche_rl.errors import ConfigError
from psyche_rl.model_folder import fingerprint, model_folder
from psyche_rl.records import GenerationRequest, Question
from psyche_rl.seeded import whole_number
from psyche_rl.store import RunStore
from psyche_rl.store.stored_records import piece, where

_LAYOUT = 2  # of verdict files: since 2 each sample of a batch has a verdict, if only one that says why not


@dataclass(frozen=True)
class Selector:
    """One selector and all that its answers depend on."""

    label: str
    """Names it in records and paths."""
    model_dir: str
    settings: SelectConfig
    prompt: PromptConfig
    engine: EngineConfig
    seed: int

    @property
    def is_remote(self) -> bool:
        """Whether it is an endpoint, ``address#model``, rather than a model to load."""
        return is_remote(self.model_dir)

    def batch_key(self, questions: Iterable[Question]) -> str:
        """Changes with the questions and with anything that may change their verdicts."""
        s = self.settings
        model = self.model_dir if self.is_remote else fingerprint(model_folder(self.model_dir))
        identity = [_LAYOUT, model, s.samples, s.temperature, s.max_tokens]
        identity += [self.engine.dtype, self.engine.max_model_len, self.seed, self.prompt.model_dump()]
        sha = hashlib.sha256(json.dumps(identity, ensure_ascii=False).encode())
        for question in questions:
            sha.update(question.model_dump_json().encode())
        return sha.hexdigest()[:16]

    def request(
        self, question: Question, prompt_ids: tuple[int, ...], stops: tuple[int, ...]
    ) -> GenerationRequest:
        """All samples of one question; the seed is the question's own."""
        return GenerationRequest(
            id=question.id,
            prompt_ids=prompt_ids,
            n=self.settings.samples,
            temperature=self.settings.temperature,
            max_tokens=self.settings.max_tokens,
            stop_token_ids=stops,
            seed=whole_number(self.seed, self.label, question.id),
        )


@dataclass(frozen=True)
class QuestionBatch:
    """Some questions, and where their verdicts are or will be."""

    rel: str
    questions: Collection[Question]

    @property
    def partial(self) -> str:
        """Where verdicts are kept of which some calls failed."""
        return self.rel.replace("select/verdicts/", "select/partial_verdicts/")


def batches(selector: Selector, questions: Collection[Question]) -> list[QuestionBatch]:
    """The judgeable questions in batches of ``select.block_rows``; those of a file stay there."""
    pool = where(questions, map(can_be_judged, questions))
    rows, rest = selector.settings.block_rows, iter(pool)
    found: list[QuestionBatch] = []
    for begin in range(0, len(pool), rows):
        key = selector.batch_key(list(islice(rest, rows)))
        rel = f"select/verdicts/{selector.label}/{key}.parquet"
        found.append(QuestionBatch(rel, piece(pool, begin, begin + rows)))
    return found


def selectors(config: RunConfig, store: RunStore) -> list[Selector]:
    """The configured selectors, or the mini world's; labels are unique.

    Raises:
        ConfigError: none is given and the mini world has none.
    """
    names = list(config.select.selectors)
    if not names and config.mini is not None:
        names = [f"{store.url}/{rel}" for rel in store.glob("world/selectors/*")]
    if not names:
        raise ConfigError("select.selectors is empty: name at least one model, or set select.skip=true")
    labels = [_label(name) for name in names]
    return [
        Selector(
            label=label if labels.count(label) == 1 else f"{i}-{label}",
            model_dir=name,
            settings=config.select,
            prompt=config.prompt,
            engine=config.select.engine,
            seed=config.seed,
        )
        for i, (label, name) in enumerate(zip(labels, names, strict=True))
    ]


def _label(name: str) -> str:
    """What a selector is called in records and paths: the last part of its model's name."""
    return Path(name.partition("#")[2] if is_remote(name) else name).name
