"""Stage eval: base, SFT and GRPO models on the held-out test exam, by live vLLM engines.

Reads the exam (``launch.stages.exam``) and the three model folders; writes eval/questions.parquet,
eval/<model>.parquet, eval/quarantine.parquet and eval/summary.json, and prints the table.
Invariants: one pool serves all models, whose weights go to the live engines as new versions; a question
too long for the context counts as not answered; a model that was finished before a cut is not asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from launch.stages.exam import exam_questions
from psyche_rl.errors import ConfigError
from psyche_rl.evaluation import ExamReply, GradedAnswer, grade, summarise
from psyche_rl.model_folder import context_length, model_folder
from psyche_rl.records import Quarantined, Question
from psyche_rl.report.accuracies import NAMES, print_accuracies
from psyche_rl.run_context import Counts, StageContext


def run(context: StageContext) -> Counts:
    """Evaluate; returns the number of questions and each model's strict accuracy."""
    config, store = context.config, context.store
    exam = exam_questions(context)
    store.write_records("eval/questions.parquet", Question, exam.test)
    store.write_records("eval/quarantine.parquet", Quarantined, exam.quarantined)
    summary: dict[str, Any] = {}
    with ExitStack() as stack:
        engines = _Engines(context, stack)
        for version, (name, model) in enumerate(_models(context).items()):
            rel = f"eval/{name}.parquet"
            if not store.exists(rel):
                store.write_records(rel, GradedAnswer, _answers(context, engines, model, version, exam.test))
            rows = store.read_records(rel, GradedAnswer)
            figures = summarise(rows, config.eval.confidence, config.eval.bootstrap_samples, config.seed)
            summary[name] = figures | {"too_long": sum(row.response_length == 0 for row in rows)}
            context.events.say(f"eval: {NAMES[name]}", strict_accuracy=figures["strict_accuracy"])
    store.write_json("eval/summary.json", summary)
    print_accuracies(summary, config.eval.confidence)
    return {
        "questions": len(exam.test),
        "quarantined": len(exam.quarantined),
        "too_long": summary["base"]["too_long"],
        **{f"{name}_accuracy": round(figures["strict_accuracy"], 4) for name, figures in summary.items()},
    }


def _models(context: StageContext) -> dict[str, str]:
    """Name -> the model as each node can find it; all three have been found here."""
    config, store = context.config, context.store
    if config.model is None and config.mini is None:
        raise ConfigError("model is not set and there is no mini world to make one")
    trained = {name: f"{store.url}/{name}/model" for name in ("sft", "grpo")}
    models = {"base": config.model or f"{store.url}/world/base", **trained}
    for model in models.values():
        model_folder(model)
    return models


class _Engines:
    """The pool, started for the first model that is asked and fed the weights of the others."""

    def __init__(self, context: StageContext, stack: ExitStack) -> None:
        self._context, self._stack = context, stack
        self._pool: Any = None
        self._folder: Any = None

    def serving(self, model: str, version: int) -> Any:
        """A pool that serves ``model`` as ``version``: the live one if the architecture is the same."""
        from actors.cluster import connect
        from actors.rollout.pool import RolloutPool
        from psyche_rl.weights.saved import read_weights, same_architecture

        folder = model_folder(model)
        if self._pool is not None and self._folder is not None and same_architecture(self._folder, folder):
            self._pool.publish(read_weights(folder), version)
            return self._pool
        if self._pool is not None:
            self._pool.stop()
        connect()
        config, say = self._context.config, self._context.events.say
        self._pool = RolloutPool(
            model, config.eval.engine, config.eval.workers, wait_s=config.grpo.wait_s, say=say
        )
        self._stack.callback(self._pool.stop)
        self._pool.start(version)
        self._folder = folder
        return self._pool


def _answers(
    context: StageContext, engines: _Engines, model: str, version: int, questions: Sequence[Question]
) -> tuple[GradedAnswer, ...]:
    from psyche_rl.model_folder import load_tokenizer
    from psyche_rl.rollout.question_codec import QuestionCodec

    config = context.config
    folder = model_folder(model)
    room = context_length(folder, config.eval.engine.max_model_len)
    tokenizer = load_tokenizer(folder)
    codec = QuestionCodec(tokenizer, config.prompt, config.eval.max_tokens, room)
    asked = [i for i, q in enumerate(questions) if codec.fits(q)]
    requests = [
        codec.request(questions[i], f"test/{i}", 1, config.eval.temperature, config.seed) for i in asked
    ]
    samples = engines.serving(model, version).generate(requests, version)
    # No answer, no tokens: what a question that does not fit the context is graded on.
    replies = [ExamReply(question, "", "length", 0) for question in questions]
    for i, (sample,) in zip(asked, samples, strict=True):
        text = codec.text(sample.response_ids)
        replies[i] = ExamReply(questions[i], text, sample.finish_reason, len(sample.response_ids))
    return grade(replies).rows
