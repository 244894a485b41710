"""Synthesis: passages to questions, rationales and empathetic dialogues.

Role: wires ingest, the Ray Data jobs and the one LLM client together and writes ``synth/*.parquet``.
Collaborators: ``data_pipeline`` does the work; the mini world's teacher is started here when the config
has a ``mini`` section and names no server.
Invariants: a stage that was cut off is run again from its beginning, but every call that had finished
is answered from ``llm_calls.sqlite``; outputs depend on config, inputs and the teacher's replies alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import TypeVar

import pyarrow as pa

from actors.cluster import connect
from actors.llm_client import LLM, start_llm
from data_pipeline.blocks import map_blocks
from data_pipeline.clean import clean_block, without_repeats
from data_pipeline.empathy import empathy_block
from data_pipeline.ingest import ingest_passages, ingest_posts
from data_pipeline.outcomes import from_outcomes
from data_pipeline.questions import plan, question_block
from data_pipeline.questions import without_repeats as without_repeated_questions
from data_pipeline.rationales import rationale_block
from launch.context import Counts, StageContext
from launch.stages.synth_progress import progress
from psyche_rl.config import RunConfig
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import ConfigError, TeacherError
from psyche_rl.llm import probe
from psyche_rl.mini.cards import TEXTS
from psyche_rl.mini.teacher import TeacherFlaws
from psyche_rl.mini.teacher.process import start_teacher
from psyche_rl.records import Dialogue, Passage, Quarantined, Question, Rationale, Record

R = TypeVar("R", bound=Record)


def run(context: StageContext) -> Counts:
    """Run the stage; returns its counts.

    Raises:
        ConfigError: there is neither a teacher nor text to work on.
        DataError: an input path is missing or unusable.
        TeacherError: the teacher cannot be reached or refuses every call.
    """
    config, bad = context.config, list[Quarantined]()
    with teacher_of(config) as (teacher, namespace):
        raw_passages, posts = _inputs(config, bad)
        asyncio.run(probe(teacher))
        connect()
        llm = start_llm(teacher, context.store.url, namespace)
        with contextlib.ExitStack() as stack:
            stack.callback(llm.close)
            passages = _cleaned(raw_passages, config, bad)
            planned = sum(call.count for p in passages for call in plan(p, config.synth))
            calls = sum(len(plan(p, config.synth)) for p in passages)
            calls += len(posts) + planned * (1 + 2 * config.synth.rewrite_rounds)
            stack.enter_context(progress(context.events, llm, calls))
            counts = _synthesize(context, llm, passages, posts, bad)
            used = llm.counts()
    context.store.write_records("synth/quarantine.parquet", Quarantined, bad)
    return counts | {
        "quarantined": len(bad),
        "llm_calls": used["calls"],
        "llm_calls_cached": used["cached"],
        "llm_calls_failed": used["failures"],
        "tokens": used["prompt_tokens"] + used["completion_tokens"],
    }


@contextlib.contextmanager
def teacher_of(config: RunConfig) -> Iterator[tuple[TeacherConfig, str]]:
    """The teacher's settings with an address, and the namespace that its replies are cached under.

    Raises:
        ConfigError: no address is given and there is no mini world.
    """
    if config.teacher.base_url is not None:
        yield config.teacher, ""
    elif config.mini is not None:
        mini = config.mini
        flaws = TeacherFlaws(
            fault_rate=mini.fault_rate,
            malformed=mini.malformed,
            key_omission=mini.key_omission,
            wrong_rationale=mini.wrong_rationale,
        )
        with start_teacher(flaws, config.seed) as url:
            # A scripted teacher with other flaws is another teacher: its replies are not these.
            namespace = f"scripted {dataclasses.astuple(flaws)} {config.seed}"
            yield config.teacher.model_copy(update={"base_url": url}), namespace
    else:
        raise ConfigError(
            "no teacher: set teacher.base_url to an OpenAI-compatible server, "
            "or add a 'mini' section to use the mini world's scripted teacher"
        )


def _inputs(config: RunConfig, bad: list[Quarantined]) -> tuple[list[Passage], list[Dialogue]]:
    """Raw passages and cleaned posts, the user's or the mini world's."""
    if config.mini is None and (config.data.passages is None or config.data.posts is None):
        missing = "data.passages" if config.data.passages is None else "data.posts"
        raise ConfigError(f"{missing} is not set and there is no mini world to take its place; set it")
    own = ("cards_general.yaml", "cards_applied.yaml")
    paths = [config.data.passages] if config.data.passages else [str(TEXTS / name) for name in own]
    passages: list[Passage] = []
    for path in paths:
        found, rejected = ingest_passages(path)
        passages += found
        bad += rejected
    posts, rejected = ingest_posts(config.data.posts or str(TEXTS / "posts.yaml"))
    bad += rejected
    return passages, posts


def _cleaned(raw: Sequence[Passage], config: RunConfig, bad: list[Quarantined]) -> list[Passage]:
    table = map_blocks(raw, clean_block, max(config.synth.block_rows, 1000), (Passage, Quarantined))
    return without_repeats(_sorted_out(table, Passage, bad))


def _synthesize(
    context: StageContext,
    llm: LLM,
    passages: Sequence[Passage],
    posts: Sequence[Dialogue],
    bad: list[Quarantined],
) -> Counts:
    """Questions, rationales, dialogues; each is written as soon as it is whole."""
    config, store = context.config, context.store
    synth, seed = config.synth, config.seed
    store.write_records("synth/passages.parquet", Passage, passages)

    gives = (Question, Quarantined)
    table = map_blocks(
        passages, question_block, _passage_rows(config), gives, synth=synth, seed=seed, llm=llm
    )
    asked = _sorted_out(table, Question, bad)
    questions = list(without_repeated_questions(asked))
    _refuse_nothing(bool(questions), passages, bad)
    store.write_records("synth/questions.parquet", Question, questions)

    rounds = synth.rewrite_rounds
    table = map_blocks(
        questions,
        rationale_block,
        synth.block_rows,
        (Rationale, Quarantined),
        rounds=rounds,
        seed=seed,
        llm=llm,
    )
    before = len(bad)
    rationales = _sorted_out(table, Rationale, bad)
    unanswered = len(bad) - before
    store.write_records("synth/rationales.parquet", Rationale, rationales)

    table = map_blocks(posts, empathy_block, synth.block_rows, (Dialogue, Quarantined), seed=seed, llm=llm)
    dialogues = _sorted_out(table, Dialogue, bad)
    store.write_records("synth/dialogues.parquet", Dialogue, [*posts, *dialogues])
    kinds = [question.kind for question in questions]
    return {
        "passages": len(passages),
        "questions": len(questions),
        "questions_single": kinds.count("single"),
        "questions_multiple": kinds.count("multiple"),
        "questions_repeated": len(asked) - len(questions),
        "rationales": len(rationales),
        "rationale_wrong": len(questions) - len(rationales) - unanswered,
        "rationales_polished": sum(r.round > 0 for r in rationales),
        "posts": len(posts),
        "dialogues": len(dialogues),
    }


def _passage_rows(config: RunConfig) -> int:
    """Passages per block such that a block makes about ``synth.block_rows`` calls."""
    per_passage = -(-config.synth.single_per_passage // config.synth.questions_per_call)
    per_passage += -(-config.synth.multiple_per_passage // config.synth.questions_per_call)
    return max(1, config.synth.block_rows // max(1, per_passage))


def _sorted_out(table: pa.Table, kind: type[R], bad: list[Quarantined]) -> list[R]:
    """The records of one kind; quarantined rows go to ``bad``."""
    bad += from_outcomes(table, Quarantined)
    return from_outcomes(table, kind)


def _refuse_nothing(any_question: bool, passages: Sequence[Passage], bad: Sequence[Quarantined]) -> None:
    if passages and not any_question:
        why = f"; the last reason: {bad[-1].reason}" if bad else ""
        raise TeacherError(f"the teacher's replies hold no usable question on {len(passages)} passages{why}")
