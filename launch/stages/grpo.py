"""Stage grpo: wires the GRPO loop to its actors and runs it.

Reads select/grpo.parquet (with a curriculum also select/verdict_table.parquet), sft/model and the dev split;
writes grpo/model with its card, grpo/metrics.jsonl, grpo/rollouts/step_*.parquet,
grpo/ledger, grpo/timeline.jsonl, grpo/evaluations, grpo/checkpoints, grpo/reward.json (the rule it is
trained on) and
grpo/quarantined.parquet (questions that no reply could be scored for, or too long for the context); with
``lora`` also grpo/adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

from launch.checks.reward_selftest import refuse_pay_for_nothing
from launch.stages.grpo_actors import learner_and_reference, ready, reward_scorers
from launch.stages.grpo_rollouts import Users, publish_by_the_way_asked_for, rollout_pool, rollout_stream
from launch.stages.placed import placed
from launch.stages.training_benchmarks import benchmark_probes
from launch.stages.training_questions import SET_ASIDE, trainable
from launch.stages.training_reward import keep_fingerprint, rewarded_format, training_reward
from psyche_rl.errors import DataError, RemoteWaitError
from psyche_rl.model_card import write_model_card
from psyche_rl.records import Quarantined, Question, ScoredSample
from psyche_rl.run_context import Counts, StageContext

if TYPE_CHECKING:
    from psyche_rl.config.grpo import GrpoConfig
    from psyche_rl.loops.grpo_async import AsyncGrpo
    from psyche_rl.loops.grpo_sync import SyncGrpo
    from psyche_rl.loops.prompt_schedule import PromptSchedule
    from psyche_rl.loops.prompt_states import PromptStates
    from psyche_rl.progress import Progress

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
    users = Users()
    for left in reversed(range(config.grpo.failovers + 1)):
        try:
            return _train(context, questions, users)
        except LostInTrainingError as lost:
            if not left:
                raise lost.why from lost
            users = lost.users
            context.events.say("grpo: starts again from its checkpoint", why=str(lost.why), times_left=left)
    raise AssertionError("unreachable: the last time raises")


class LostInTrainingError(Exception):
    """A process was lost when the loop had begun; the checkpoint is there to go on from."""

    def __init__(self, why: RemoteWaitError, users: Users) -> None:
        super().__init__(str(why))
        self.why, self.users = why, users


def _train(context: StageContext, questions: list[Question], users: Users) -> Counts:
    config, store = context.config, context.store
    with _loop(context, questions, users) as loop:
        set_aside = len(store.read_records(SET_ASIDE, Quarantined))
        try:
            loop.run()
        except RemoteWaitError as lost:
            stream = loop.rollouts if config.grpo.staleness else None
            raise LostInTrainingError(lost, Users(stream.asked, stream.board) if stream else users) from lost
        last = loop.metrics.rows()[-1]
        loop.learner.export(f"{store.url}/grpo/model")
        write_model_card(store)
        if config.lora is not None:
            loop.learner.export_adapter(f"{store.url}/grpo/adapter")
        loop.ledger.close()
    return {
        "questions": len(questions),
        "questions_set_aside": set_aside,
        "steps": int(last["step"]),
        "samples": int(last["step"]) * config.grpo.prompts_per_step * config.grpo.group_size,
        "reward_mean": round(last["reward/mean"], 4),
    }


@contextmanager
def _loop(context: StageContext, questions: list[Question], users: Users) -> Iterator[Any]:
    """The loop with its actors started; they end with the context."""
    from psyche_rl.ledger.ledger import Ledger
    from psyche_rl.loops.checkpoints import Checkpoints
    from psyche_rl.loops.curriculum import read_curriculum
    from psyche_rl.loops.error_budget import ErrorBudget
    from psyche_rl.loops.evaluations import Evaluations
    from psyche_rl.loops.metrics_log import MetricsLog
    from psyche_rl.loops.prompt_schedule import PromptSchedule
    from psyche_rl.loops.prompt_states import PromptStates
    from psyche_rl.model_folder import tokenizer_folder
    from psyche_rl.progress import Progress, awaiting
    from psyche_rl.rollout.question_codec import QuestionCodec
    from psyche_rl.timeline.timeline_file import TimelineFile

    config, grpo, store, say = context.config, context.config.grpo, context.store, context.events.say
    reward = training_reward(grpo.reward)
    keep_fingerprint(store, reward)
    model = f"{store.url}/sft/model"
    room = grpo.engine.max_model_len
    codec = QuestionCodec.of_model(tokenizer_folder(model), config.prompt, grpo.max_tokens, room)
    fitting = trainable(reward, questions, codec, "select/grpo.parquet", store)
    if len(fitting) < len(questions):
        say(f"grpo: questions set aside, reasons in {SET_ASIDE}", count=len(questions) - len(fitting))
    curriculum = read_curriculum(store, grpo.curriculum, fitting)
    prompts = PromptSchedule(fitting, grpo.prompts_per_step, config.seed, grpo.shuffle_options, curriculum)
    total = prompts.steps(grpo.epochs, grpo.max_steps)
    updates = total * (grpo.prompts_per_step // grpo.mini_batch_prompts)

    probes = benchmark_probes(context, tokenizer_folder(model), grpo.engine.max_model_len)

    def keep(step: int, rows: list[ScoredSample]) -> None:
        context.begin()
        store.write_records(f"grpo/rollouts/step_{step:06d}.parquet", ScoredSample, rows)
        context.follower.samples("grpo", step, rows)

    with ExitStack() as stack:
        places = stack.enter_context(placed(context, "grpo"))
        grpo = places.config.grpo
        say("grpo: starting actors", steps=total)
        # Constructors return while their actors start, so that all start side by side.
        scorers = stack.enter_context(closing(reward_scorers(grpo.reward, reward)))
        learner, reference = stack.enter_context(learner_and_reference(model, updates, places))
        publish_by_the_way_asked_for(learner, places, say)
        ledger = Ledger(store, "grpo", lambda finding: say("grpo: the books do not close", finding=finding))
        rollouts: Any = (
            rollout_stream(model, store, places, config.grpo, ledger, say, users)
            if grpo.staleness
            else rollout_pool(model, places, ledger, say)
        )
        ready(context, stack, rollouts, scorers, learner, reference)
        refuse_pay_for_nothing(reward, fitting, codec, scorers.score, say)
        progress = stack.enter_context(Progress(context.events, total, "grpo", "steps"))
        # Until the first step is done: loads a checkpoint, gives out weights, measures where it begins.
        begun = stack.enter_context(awaiting(context.events, f"grpo: first of {total} steps"))
        common: dict[str, Any] = {
            "config": grpo,
            "seed": config.seed,
            "total_steps": total,
            "codec": codec,
            "rollouts": rollouts,
            "scorers": scorers,
            "budget": ErrorBudget(reward.name, grpo.reward.error_budget, grpo.reward.error_window),
            "ledger": ledger,
        }
        parts: dict[str, Any] = {
            "learner": learner,
            "reference": reference,
            "probe": _probe(context, codec) if grpo.eval_every else None,
            "checkpoints": Checkpoints(
                store, "grpo", grpo.keep_checkpoints, grpo.keep_best, say, grpo.best_metric
            ),
            "evaluations": Evaluations(probes, total),
            "metrics": MetricsLog(
                store,
                "grpo",
                lambda alarm: say(f"grpo: alarm {alarm.name}", step=alarm.step, why=alarm.why),
                context.follower,
            ),
            "keep_rollouts": keep,
            "stop": context.stop,
            "on_step": _on_step(store.url, progress, begun),
            "say": say,
            "keep_lanes": TimelineFile(store, "grpo").keep,
        }
        yield _story(grpo, prompts, PromptStates(store, "grpo"), common, parts)


def _story(
    grpo: GrpoConfig,
    prompts: PromptSchedule,
    states: PromptStates,
    common: dict[str, Any],
    parts: dict[str, Any],
) -> AsyncGrpo | SyncGrpo:
    """The loop that the config asks for; ``common``: what the side that generates has as well."""
    from psyche_rl.loops.grpo_async import AsyncGrpo
    from psyche_rl.loops.grpo_sync import SyncGrpo
    from psyche_rl.loops.producer import Producer
    from psyche_rl.loops.prompt_queue import PromptQueue
    from psyche_rl.loops.refill_rounds import RefillRounds

    if grpo.staleness:
        producer = Producer(**common, prompts=PromptQueue(prompts))
        return AsyncGrpo(**common, **parts, producer=producer, prompt_states=states)
    if grpo.dynamic_sampling:
        rounds = RefillRounds(**common, prompts=PromptQueue(prompts))
        return SyncGrpo(**common, **parts, prompts=prompts, rounds=rounds, prompt_states=states)
    return SyncGrpo(**common, **parts, prompts=prompts)


def _probe(context: StageContext, codec: Any) -> Any:
    from launch.stages.exam import exam_questions
    from psyche_rl.loops.exam_probe import ExamProbe

    dev = [q for q in exam_questions(context).dev if codec.fits(q)][:DEV_QUESTIONS]
    return ExamProbe(dev, codec, rewarded_format(context.store)) if dev else None


def _on_step(
    run: str, progress: Progress, begun: Callable[[], None]
) -> Callable[[int, dict[str, float]], None]:
    """Tells those who watch of a finished step; ``begun`` is called with the first."""
    from actors.prometheus import RunFigures

    figures = RunFigures(run)

    def told(step: int, row: dict[str, float]) -> None:
        begun()
        figures.tell(step, row)
        progress.update(step, **_headline(row))

    return told


def _headline(metrics: dict[str, float]) -> dict[str, float]:
    names = {
        "reward/mean": "reward",
        "kl/mean": "kl",
        "eval/strict_accuracy": "dev_accuracy",
        "time/step_s": "s",
    }
    return {short: metrics[name] for name, short in names.items() if name in metrics}
