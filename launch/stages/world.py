"""Stage world: makes what a real run would be given: an exam, a base model, selectors.

Only with ``mini`` in the config. Writes world/exam_dev.parquet, world/exam_test.parquet, world/base and
world/selectors/<family>. A model that was finished before a cut is not made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import yaml

from psyche_rl.config.mini import FAMILIES, Family, MiniConfig
from psyche_rl.errors import ConfigError
from psyche_rl.mini.cards import TEXTS, mini_cards
from psyche_rl.mini.exam_records import held_out_exam
from psyche_rl.mini.models import make_model
from psyche_rl.mini.pretraining import BASE_MIX, SELECTOR_MIX, Book, PageMix, pages
from psyche_rl.records import Question
from psyche_rl.run_context import Counts, StageContext

if TYPE_CHECKING:
    from actors.learner.group import LearnerGroup
    from psyche_rl.learner.sequence import SftSequence

RAW = "world/raw"
"""Where the untrained models stand until all are trained: in the run folder, which every node sees."""


@dataclass(frozen=True)
class ModelJob:
    """One model to make: where it goes, its family, what it reads and for how many steps."""

    rel: str
    family: Family
    seed: int
    mix: PageMix
    steps: int


def run(context: StageContext) -> Counts:
    """Make the world; returns counts of cards, exam questions and models."""
    from psyche_rl.mini.tokenizer import world_tokenizer

    config, store, mini = context.config, context.store, context.config.mini
    if mini is None:
        raise ConfigError("mini: the world is made only where the config has this section")
    cards = mini_cards()
    exam = {"dev": mini.exam_dev, "test": mini.exam_test}
    for split, size in exam.items():
        questions = held_out_exam(cards, config.seed, size, mini.exam_multiple_share, split)  # type: ignore[arg-type]
        store.write_records(f"world/exam_{split}.parquet", Question, questions)
    posts = yaml.safe_load((TEXTS / "posts.yaml").read_text("utf-8"))
    tokenizer = world_tokenizer(cards, posts, mini.model.vocab_size)
    book = Book(cards, config.prompt, mini.selector_key_omission)
    store.remove(RAW)
    missing = [job for job in _jobs(config.seed, mini) if not store.exists(f"{job.rel}/config.json")]
    _train_all(context, mini, missing, book, tokenizer)
    store.remove(RAW)
    return {
        "cards": len(cards),
        "posts": len(posts),
        **{f"exam_{s}": n for s, n in exam.items()},
        "models": 1 + len(mini.selectors),
    }


def _jobs(seed: int, mini: MiniConfig) -> list[ModelJob]:
    selectors = [
        ModelJob(
            f"world/selectors/{family}", family, 1000 * (seed + 1) + place, SELECTOR_MIX, mini.selector_steps
        )
        for place, family in enumerate(FAMILIES)
        if family in mini.selectors
    ]
    return [ModelJob("world/base", "qwen2", seed, BASE_MIX, mini.pretrain_steps), *selectors]


def _train_all(
    context: StageContext, mini: MiniConfig, jobs: list[ModelJob], book: Book, tokenizer: Any
) -> None:
    """Lanes, one for each place, take jobs in turn; each keeps its learner process from model to model."""
    from actors.learner.group import LearnerGroup
    from actors.placement.place import Place
    from launch.stages.placed import placed
    from launch.stages.sft import WAIT_S, train_sft
    from psyche_rl.loops.sft import SftSettings
    from psyche_rl.progress import Progress, awaiting

    if not jobs:
        return
    store = context.store
    idle: SimpleQueue[LearnerGroup | Place] = SimpleQueue()

    context.begin()
    # Before the lanes start: initialisation draws from torch's one global generator.
    for job in jobs:
        make_model(job.family, mini.model, tokenizer, job.seed, context.scratch / job.rel)
        store.upload_dir(context.scratch / job.rel, f"{RAW}/{job.rel}")

    def make(job: ModelJob) -> None:
        raw = f"{store.url}/{RAW}/{job.rel}"
        sequences = _sequences(book, job, tokenizer)
        settings = SftSettings(mini.pretrain_lr, job.mix.pairs, 1, 0.05, job.seed, saves=0)
        group = idle.get()
        if isinstance(group, Place):
            optim = settings.optim(len(sequences))
            group = LearnerGroup(
                raw, context.config.learner, optim, name=job.rel, wait_s=WAIT_S, places=(group,)
            )
            groups.append(group)
        counts = train_sft(
            raw, sequences, settings, context.config.learner, f"{store.url}/{job.rel}", group=group,
            on_step=lambda _: progress.advance(),
        )  # fmt: skip
        context.events.say(f"world: {job.rel} made", loss_last=counts["loss_last"])
        idle.put(group)

    groups: list[LearnerGroup] = []
    total = sum(job.steps for job in jobs)
    with placed(context, "world") as places, ExitStack() as ends:
        ends.callback(_shut_down, groups)
        for place in places.of("learner"):
            idle.put(place)
        with (
            Progress(context.events, total, "world", "steps") as progress,
            awaiting(context.events, "world: models"),
            ThreadPoolExecutor(idle.qsize()) as lanes,
        ):
            try:
                for finished in [lanes.submit(make, job) for job in jobs]:
                    finished.result()
            except BaseException:
                lanes.shutdown(wait=False, cancel_futures=True)
                _shut_down(groups)  # a lane that waits for its learner would keep the process
                raise


def _shut_down(groups: Sequence[LearnerGroup]) -> None:
    for group in groups:
        group.shutdown()


def _sequences(book: Book, job: ModelJob, tokenizer: Any) -> list[SftSequence]:
    import numpy as np

    from psyche_rl.learner.sequence import SftSequence
    from psyche_rl.mini.tokenizer import encode_pairs

    pairs = encode_pairs(tokenizer, pages(book, job.steps, job.seed, job.mix))
    return [SftSequence(np.asarray(ids, dtype=np.int64), given) for ids, given in pairs]
