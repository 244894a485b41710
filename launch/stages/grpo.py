"""Stage grpo: wires the GRPO loop to its actors and runs it.

Reads select/grpo.parquet, sft/model and the dev split; writes grpo/model, grpo/metrics.jsonl,
grpo/tensorboard, grpo/rollouts/step_*.parquet and grpo/checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from launch.context import Counts, StageContext
from psyche_rl.errors import DataError
from psyche_rl.records import Question, ScoredSample

DEV_QUESTIONS = 200
"""Dev questions per accuracy measurement: enough for a curve, cheap enough to repeat."""


def run(context: StageContext) -> Counts:
    """Train the policy; returns steps, questions and the last reward."""
    config, store = context.config, context.store
    questions = store.read_records("select/grpo.parquet", Question)
    if not questions:
        raise DataError(
            f"{store.url}/select/grpo.parquet holds no question: every question was answered by some "
            "selector; synthesise more, or let each selector answer fewer times (select.samples)"
        )
    with _loop(context, questions) as loop:
        loop.run()
        loop.metrics.close()
        last = loop.metrics.rows()[-1]
        loop.learner.export(f"{store.url}/grpo/model")
    return {
        "questions": len(questions),
        "steps": loop.total_steps,
        "samples": loop.total_steps * config.grpo.prompts_per_step * config.grpo.group_size,
        "reward_mean": round(last["reward/mean"], 4),
    }


@contextmanager
def _loop(context: StageContext, questions: list[Question]) -> Iterator[Any]:
    """The loop with its actors started; they end with the context."""
    from actors.cluster import connect
    from actors.learner_group import LearnerGroup
    from actors.reference import ReferenceModel
    from actors.reward_pool import RewardPool
    from actors.rollout_pool import RolloutPool
    from psyche_rl.learner.schedule import OptimSettings
    from psyche_rl.loops.checkpoints import Checkpoints
    from psyche_rl.loops.grpo import GrpoLoop
    from psyche_rl.loops.metrics_log import MetricsLog
    from psyche_rl.loops.prompt_schedule import PromptSchedule
    from psyche_rl.loops.question_codec import QuestionCodec
    from psyche_rl.model_folder import load_tokenizer, model_folder
    from psyche_rl.progress import Progress
    from rewards import exam_reward

    config, grpo, store, say = context.config, context.config.grpo, context.store, context.events.say
    connect()
    model = f"{store.url}/sft/model"
    tokenizer = load_tokenizer(model_folder(model))
    codec = QuestionCodec(tokenizer, config.prompt, grpo.max_tokens, config.engine.max_model_len)
    fitting = [q for q in questions if codec.fits(q)]
    if len(fitting) < len(questions):
        say("grpo: questions too long for engine.max_model_len left out", count=len(questions) - len(fitting))
    prompts = PromptSchedule(fitting, grpo.prompts_per_step, config.seed, grpo.shuffle_options)
    total = prompts.steps(grpo.epochs, grpo.max_steps)
    updates = total * (grpo.prompts_per_step // grpo.mini_batch_prompts)
    say("grpo: starting actors", steps=total, rollout_workers=grpo.rollout_workers, ranks=grpo.ranks)
    with ExitStack() as stack:
        # Constructors return while their actors start, so that all start side by side.
        rewards = exam_reward(grpo.reward.answer_weight, grpo.reward.format_weight)
        scorers = stack.enter_context(
            closing(RewardPool(rewards, grpo.reward.workers, grpo.reward.timeout_s))
        )
        optim = OptimSettings(
            lr=grpo.lr, schedule="constant", total_steps=updates, warmup_steps=grpo.warmup_steps
        )
        learner = LearnerGroup(model, config.learner, optim, grpo.ranks, wait_s=grpo.wait_s)
        stack.callback(learner.shutdown)
        reference = ReferenceModel(model, config.learner, wait_s=grpo.wait_s) if grpo.kl_coef else None
        if reference:
            stack.callback(reference.shutdown)
        pool = RolloutPool(model, config.engine, grpo.rollout_workers, wait_s=grpo.wait_s, say=say)
        stack.enter_context(pool)
        progress = stack.enter_context(Progress(context.events, total, "grpo", "steps"))
        yield GrpoLoop(
            config=grpo,
            seed=config.seed,
            total_steps=total,
            prompts=prompts,
            codec=codec,
            rollouts=pool,
            scorers=scorers,
            learner=learner,
            reference=reference,
            probe=_probe(context, codec) if grpo.eval_every else None,
            checkpoints=Checkpoints(store, "grpo", grpo.keep_checkpoints),
            metrics=MetricsLog(store, "grpo"),
            keep_rollouts=lambda step, rows: store.write_records(
                f"grpo/rollouts/step_{step:06d}.parquet", ScoredSample, rows
            ),
            on_step=lambda step, m: progress.update(step, **_headline(m)),
        )


def _probe(context: StageContext, codec: Any) -> Any:
    from launch.exam import exam_questions
    from psyche_rl.loops.exam_probe import ExamProbe

    dev = [q for q in exam_questions(context).dev if codec.fits(q)][:DEV_QUESTIONS]
    return ExamProbe(dev, codec) if dev else None


def _headline(metrics: dict[str, float]) -> dict[str, float]:
    names = {
        "reward/mean": "reward",
        "kl/mean": "kl",
        "eval/strict_accuracy": "dev_accuracy",
        "time/step_s": "s",
    }
    return {short: metrics[name] for name, short in names.items() if name in metrics}
