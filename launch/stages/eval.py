"""Stage eval: base, SFT and GRPO models on the held-out test exam, by live vLLM engines.

Reads the exam (``launch.stages.exam``) and the three model folders; writes eval/questions.parquet,
eval/<model>.parquet, eval/quarantine.parquet and eval/summary.json, renews the card in grpo/model, and prints
the table.
Invariants:
- One pool serves all models, whose weights go to the live engines as new versions.
- A question too long for the context counts as not answered.
- A model that was finished before a cut is not asked again.
- With ``eval.extraction: rules+judge`` a model then reads what the rules left open (``answer_judge``):
  eval/judged.parquet, and the figures of the summary count it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from launch.stages.exam import Exam, exam_questions
from launch.stages.placed import placed
from launch.stages.training_reward import rewarded_format
from psyche_rl.errors import ConfigError
from psyche_rl.evaluation import ExamReply, GradedAnswer, grade, summarise
from psyche_rl.evaluation.judged_answer import JUDGED, JudgedAnswer, judged_figures, with_judged
from psyche_rl.model_card import write_model_card
from psyche_rl.model_folder import tokenizer_folder
from psyche_rl.records import Quarantined, Question
from psyche_rl.report.accuracies import NAMES, print_accuracies
from psyche_rl.run_context import Counts, StageContext

if TYPE_CHECKING:
    from actors.placement.reserve import Places
    from actors.rollout.model_sequence import ModelSequence


def _queue_doubts(context: StageContext, exam: Exam) -> None:
    """Questions whose copies have different keys are not evaluated on; a person is shown them."""
    if not exam.doubtful:
        return
    from data_pipeline.review import Flag, queue_items, write_queue

    note = "copies of it in the held-out exam have other keys"
    flags = [Flag(question.id, "label_audit", note) for question in exam.doubtful]
    items = queue_items(exam.doubtful, flags=flags, seed=context.config.seed, rate=0.0)
    write_queue(context.store, "eval", items)


def _forget_other_exams(context: StageContext, questions: Sequence[Question]) -> None:
    """Answers of an attempt that was cut off are of no use if a reviewer has changed the exam since."""
    store, rel = context.store, "eval/questions.parquet"
    if store.exists(rel) and store.read_records(rel, Question) != list(questions):
        for name in NAMES:
            store.remove(f"eval/{name}.parquet")


def run(context: StageContext) -> Counts:
    """Evaluate; returns the number of questions and each model's strict accuracy."""
    config, store = context.config, context.store
    exam = exam_questions(context)
    _forget_other_exams(context, exam.test)
    store.write_records("eval/questions.parquet", Question, exam.test)
    store.write_records("eval/quarantine.parquet", Quarantined, exam.quarantined)
    _queue_doubts(context, exam)
    graded: dict[str, list[GradedAnswer]] = {}
    with ExitStack() as places, ExitStack() as stack:  # engines end before their places go
        engines = _model_sequence(context, places)
        stack.callback(engines.stop)
        for version, (name, model) in enumerate(_models(context).items()):
            rel = f"eval/{name}.parquet"
            if not store.exists(rel):
                answers = _answers(context, engines, model, version, exam.test)
                context.begin()
                store.write_records(rel, GradedAnswer, answers)
            graded[name] = store.read_records(rel, GradedAnswer)
            context.events.say(f"eval: {NAMES[name]}", strict_accuracy=_share(graded[name]))
    summary = _summary(context, graded, exam.test)
    store.write_json("eval/summary.json", summary)
    write_model_card(store)
    print_accuracies(summary, config.eval.confidence)
    return {
        "questions": len(exam.test),
        "quarantined": len(exam.quarantined),
        "too_long": summary["base"]["too_long"],
        **(
            {"judged": sum(f["judged"]["asked"] for f in summary.values())} if config.eval.judge_model else {}
        ),
        **{f"{name}_accuracy": round(figures["strict_accuracy"], 4) for name, figures in summary.items()},
    }


def _share(rows: Sequence[GradedAnswer]) -> float:
    return sum(row.correct for row in rows) / len(rows)


def _summary(
    context: StageContext, graded: Mapping[str, Sequence[GradedAnswer]], questions: Sequence[Question]
) -> dict[str, Any]:
    """The figures of each model, by the rules or with what the judge read."""
    settings, judged, summary = context.config.eval, list[JudgedAnswer](), dict[str, Any]()
    if settings.judge_model is not None:
        from launch.stages.answer_judge import judged as ask_judge

        judged = ask_judge(context, graded, questions)
    elif context.store.exists(JUDGED):
        context.store.remove(JUDGED)
    for name, rows in graded.items():
        readings = [reading for reading in judged if reading.model == name]
        read = with_judged(rows, readings)
        figures = summarise(read, settings.confidence, settings.bootstrap_samples, context.config.seed)
        summary[name] = figures | {"too_long": sum(row.response_length == 0 for row in rows)}
        if settings.judge_model is not None:
            summary[name]["judged"] = judged_figures(rows, readings)
            context.events.say(
                f"eval: {NAMES[name]}, with the judge",
                strict_accuracy=figures["strict_accuracy"],
                judged=len(readings),
            )
    return summary


def _models(context: StageContext) -> dict[str, str]:
    """Name -> the model as each node can find it; all three have been found here."""
    config, store = context.config, context.store
    if config.model is None and config.mini is None:
        raise ConfigError("model is not set and there is no mini world to make one")
    trained = {name: f"{store.url}/{name}/model" for name in ("sft", "grpo")}
    models = {"base": config.model or f"{store.url}/world/base", **trained}
    for model in models.values():
        tokenizer_folder(model)
    return models


def _model_sequence(context: StageContext, stack: ExitStack) -> ModelSequence:
    """Its places are reserved when the first engine is wanted, and go with ``stack``."""
    from actors.rollout.model_sequence import ModelSequence
    from actors.rollout.pool import RolloutPool

    reserved: list[Places] = []

    def new_pool(model: str) -> RolloutPool:
        if not reserved:
            reserved.append(stack.enter_context(placed(context, "eval")))
        config, places = reserved[0].config, reserved[0].of("engine")
        return RolloutPool(
            model,
            config.eval.engine,
            len(places),
            wait_s=config.grpo.wait_s,
            say=context.events.say,
            places=places,
        )

    return ModelSequence(new_pool)


def _answers(
    context: StageContext, engines: ModelSequence, model: str, version: int, questions: Sequence[Question]
) -> tuple[GradedAnswer, ...]:
    from psyche_rl.progress import awaiting
    from psyche_rl.rollout.question_codec import QuestionCodec
    from psyche_rl.rollout.sampling import Sampling

    config = context.config
    room = config.eval.engine.max_model_len
    codec = QuestionCodec.of_model(tokenizer_folder(model), config.prompt, config.eval.max_tokens, room)
    asked = [i for i, q in enumerate(questions) if codec.fits(q)]
    sampling = Sampling(config.eval.temperature)
    requests = [codec.request(questions[i], f"test/{i}", 1, sampling, config.seed) for i in asked]
    with awaiting(context.events, "eval: engines"):
        pool = engines.serving(model, version)
    with awaiting(context.events, f"eval: answers to {len(requests)} questions"):
        samples = pool.generate(requests, version)
    # No answer, no tokens: what a question that does not fit the context is graded on.
    replies = [ExamReply(question, "", "length", 0) for question in questions]
    for i, (sample,) in zip(asked, samples, strict=True):
        text = codec.text(sample.response_ids)
        replies[i] = ExamReply(questions[i], text, sample.finish_reason, len(sample.response_ids))
    return grade(replies, rewarded_format(context.store)).rows
