"""The judge of the eval stage: who is asked, where, and what is kept of it.

Collaborators: ``psyche_rl.evaluation.answer_matching`` asks; the LLM client caches each call, so that no
reply is paid for twice; ``launch.stages.eval``.
Invariants:
- Nothing is started where no reply is open.
- Engines of the judge come after those of the models, in the same places.
- ``eval/judged.parquet`` holds all readings; the models' own files stay as the rules left them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from actors.cluster import connect
from actors.llm.client import LLM, start_llm
from actors.placement.place import Place
from launch.stages.placed import placed
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.selection import is_remote
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import ConfigError, TeacherError
from psyche_rl.evaluation import GradedAnswer
from psyche_rl.evaluation.answer_matching import is_open, judged_answers
from psyche_rl.evaluation.judged_answer import JUDGED, JudgedAnswer
from psyche_rl.llm import probe
from psyche_rl.records import Question
from psyche_rl.run_context import StageContext
from rewards.blocking import run_blocking

Graded = Mapping[str, Sequence[GradedAnswer]]
"""Model -> its rows by the rules."""


def judged(context: StageContext, graded: Graded, questions: Sequence[Question]) -> list[JudgedAnswer]:
    """What the judge reads in the replies that the rules leave open; written down.

    Raises:
        TeacherError: the judge cannot be used, or answered none of the calls.
    """
    by_id = {question.id: question for question in questions}
    opened = sum(is_open(row, by_id[row.question_id]) for rows in graded.values() for row in rows)
    readings: list[JudgedAnswer] = []
    if opened:
        context.events.say("eval: a judge is asked what the rules leave open", replies=opened)
        with _judge(context) as door:
            for model, rows in graded.items():
                readings += judged_answers(model, rows, by_id, door)
                context.begin()
            failed = [reading.error for reading in readings if reading.error]
            if len(failed) == len(readings):
                raise TeacherError(
                    f"the judge {door.teacher.model} answered none of {len(failed)} calls; {failed[-1]}; "
                    "mend eval.judge, then run again: finished calls are kept"
                )
    context.store.write_records(JUDGED, JudgedAnswer, readings)
    return readings


@contextmanager
def _judge(context: StageContext) -> Iterator[LLM]:
    model = context.config.eval.judge_model
    if model is None:
        raise ConfigError("eval.judge.model: replies are to be judged, and no model is named")
    with ExitStack() as stack:
        places: Sequence[Place] = ()
        if is_remote(model):
            calls = judge_calls(context)
            connect(context.config.cluster.pass_env)
        else:
            placed_ = stack.enter_context(placed(context, "eval"))
            places = placed_.of("engine")
            calls = judge_calls(context, placed_.config.eval.engine, len(places))
        run_blocking(probe(calls))
        llm = start_llm(calls, context.store.url, stage="eval", places=places)
        stack.callback(llm.close)
        yield llm


def judge_calls(context: StageContext, engine: EngineConfig | None = None, engines: int = 1) -> TeacherConfig:
    """The settings of the judge's calls: greedy, with the limits of the teacher's."""
    settings, limits = context.config.eval.judge, context.config.teacher
    if settings.model is None:
        raise ConfigError("eval.judge.model: replies are to be judged, and no model is named")
    if engine is None:
        return limits.for_endpoint(settings.model, settings.api_key_env, 0.0, settings.max_tokens)
    return limits.asking(
        engine="vllm",
        model=settings.model,
        temperature=0.0,
        max_tokens=settings.max_tokens,
        vllm=engine,
        vllm_engines=engines,
    )
