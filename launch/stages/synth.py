"""Synthesis: passages to questions, rationales and empathetic dialogues.

Role: wires ingest, the steps of ``data_pipeline.synthesis.steps`` and the one LLM client; writes
``synth/*.parquet``.
Collaborators: ``data_pipeline`` does the work. The mini world's teacher is started here when the config has a
``mini`` section and names no server.
Invariants:
- A stage that was cut off is run again from its beginning, but every call that had finished is answered from
  ``llm_calls.sqlite``.
- Outputs depend on config, inputs and the teacher's replies alone.
- Every row of every step is in ``synth/outcomes.parquet``, once.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Iterator

from actors.llm.client import start_llm
from data_pipeline.domains import Domain, load_domain
from data_pipeline.review import Flag
from data_pipeline.rows.accounting import RowAccounting
from data_pipeline.rows.outcome_counts import flat_counts
from data_pipeline.synthesis.crisis_reader import check_prompt
from data_pipeline.synthesis.questions import plan
from data_pipeline.synthesis.steps import Synthesis, kinds_of
from data_pipeline.synthesis.texts import Texts, read_texts, source_paths
from launch.stages.placed import placed
from launch.stages.synth_progress import progress
from psyche_rl.config import RunConfig
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import ConfigError
from psyche_rl.llm import probe
from psyche_rl.mini.teacher import TeacherFlaws
from psyche_rl.mini.teacher.process import start_teacher
from psyche_rl.records import Dialogue, Passage, Quarantined, Question, RowOutcome
from psyche_rl.run_context import Counts, StageContext
from psyche_rl.store.record_file import written
from psyche_rl.store.stored_records import Joined, one_field
from rewards.blocking import run_blocking


def run(context: StageContext) -> Counts:
    """Run the stage; returns its counts.

    Raises:
        ConfigError: there is neither a teacher nor text to work on.
        DataError: an input path is missing or unusable.
        TeacherError: the teacher cannot be reached or refuses every call.
    """
    config, accounting = context.config, RowAccounting()
    domain = load_domain(config.domain)
    if config.clean.crisis_reader:
        check_prompt(domain)
    with teacher_of(config) as (teacher, namespace):
        source_paths(config, domain)  # what is missing is said before anything is started
        run_blocking(probe(teacher))
        with contextlib.ExitStack() as stack:
            places = stack.enter_context(placed(context, "synth"))
            settled = teacher.model_copy(update={"vllm": places.config.teacher.vllm})
            llm = start_llm(settled, context.store.url, namespace, places=places.of("teacher engine"))
            stack.callback(llm.close)
            work = Synthesis(context, llm, domain, accounting)
            context.begin()
            texts = read_texts(context, domain, accounting)
            passages, posts = work.distinct(texts.passages), work.screened(texts.posts, texts.crises)
            planned = planned_calls(config, domain, passages, posts)
            limits = {"call_s": settled.call_limit_s, "stage_s": llm.limit_stage(planned)}
            context.events.say("synth: time limits of calls", **limits, calls=planned)
            stack.enter_context(progress(context.events, llm, planned, accounting))
            counts = _synthesize(context, work, texts, passages, posts)
            used = llm.counts()
    return (
        counts
        | _close_books(context, accounting)
        | {
            "llm_calls": used["calls"],
            "llm_calls_cached": used["cached"],
            "llm_calls_failed": used["failures"],
            "tokens": used["prompt_tokens"] + used["completion_tokens"],
        }
    )


def planned_calls(
    config: RunConfig, domain: Domain, passages: Collection[Passage], posts: Collection[Dialogue]
) -> int:
    """The calls of the whole stage if nothing is turned down and nothing fails."""
    synth = config.synth
    first = next(iter(passages), None)
    calls = plan(first, synth, domain) if first else []  # as many for each passage
    with_letters = sum(call.count for call in calls if call.kind != "short")
    each_round = 3 if synth.rationale_gate else 2
    reviews = sum(call.count for call in calls) if synth.quality_filter else 0
    each = len(calls) + reviews + with_letters * (1 + each_round * synth.rewrite_rounds)
    of_a_post = (3 if synth.multi_turn else 1) + config.clean.crisis_reader
    return len(passages) * each + len(posts) * of_a_post


@contextlib.contextmanager
def teacher_of(config: RunConfig) -> Iterator[tuple[TeacherConfig, str]]:
    """The teacher's settings with an address, and the namespace that its replies are cached under.

    Raises:
        ConfigError: no address is given and there is no mini world.
    """
    if config.teacher.is_given:
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
            "no teacher: set teacher.base_url to an OpenAI-compatible server, teacher.engine=vllm, "
            "or add a 'mini' section to use the mini world's scripted teacher"
        )


def _synthesize(
    context: StageContext,
    work: Synthesis,
    texts: Texts,
    passages: Collection[Passage],
    posts: Collection[Dialogue],
) -> Counts:
    """Questions, rationales, dialogues; each is written as soon as it is whole."""
    config, store = context.config, context.store
    passages = written(store, "synth/passages.parquet", Passage, passages)
    store.write_json("synth/domain.json", work.domain.told())

    questions, flags = work.questions(passages), list[Flag]()
    if config.synth.quality_filter:
        questions, flags = work.quality_flags(questions, passages)
    if config.clean.crisis_reader:
        posts, read = work.read_again(posts)
        flags += read
    dialogues = work.dialogues(posts)
    flags += texts.crises
    questions, talks = work.reviewed(questions, Joined(texts.posts, dialogues), flags, passages)
    questions = written(store, "synth/questions.parquet", Question, questions)
    talks = written(store, "synth/dialogues.parquet", Dialogue, talks)

    rationales, polished = work.rationales(questions)
    work.work.remove()
    tallies = work.accounting.all_counts()
    return {
        "passages": len(passages),
        "questions": len(questions),
        **kinds_of(questions),
        "questions_repeated": tallies["repeats.questions"].filtered,
        "rationales": rationales,
        "rationale_wrong": tallies["rationales"].filtered,
        "rationales_polished": polished,
        "posts": len(texts.posts),
        "posts_crisis": sum(flag.reason == "crisis" for flag in flags),
        "dialogues": sum(kind == "empathetic" for kind in one_field(talks, "kind")),
    }


def _close_books(context: StageContext, accounting: RowAccounting) -> Counts:
    """Write how every row ended; the counts by step, and those not in form as records of their own."""
    store, tallies = context.store, accounting.all_counts()
    written(store, "synth/outcomes.parquet", RowOutcome, accounting.outcomes())
    bad = written(store, "synth/quarantine.parquet", Quarantined, accounting.quarantined())
    store.write_json("synth/outcomes.json", {stage: found.as_dict() for stage, found in tallies.items()})
    return {
        "quarantined": len(bad),
        "failed": sum(found.failed for found in tallies.values()),
        **flat_counts(tallies),
    }
