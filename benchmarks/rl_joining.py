"""How long a user waits for a new rollout worker: from the word to its first accepted sample.

A real asynchronous run (staleness 1, one worker, one rank, profile ``mini`` of ``grpo_profiles.py``) trains
the whole time. In turn, a worker is started beside it and timed until its model is loaded, and the run is
asked through its board for one more, as ``psyche-rl scale`` asks. Both start a process, import vLLM and load
the same model under the same load; what the second takes longer is ours: hearing the word, giving the joiner
the current weights and their proof, and its first work.

Seconds from the word to the first accepted sample over those of the bare load, medians. Goal 1.5.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import ray
from grpo_profiles import KL_COEF, LR, PROFILES, WordCodec, prompts_of, save_model, text_of

GOALS = {"over_load": 1.5}
PROFILE, ROUNDS, WAIT_S = PROFILES["mini"], 3, 120.0


def measure() -> dict[str, Any]:
    """All figures."""
    from psyche_rl.stop import Stopped

    with tempfile.TemporaryDirectory(prefix="psyche-rl-joining-") as name, ExitStack() as stack:
        folder = Path(name)
        save_model(folder / "model")
        loop, stream, engine = started(folder, stack)
        took: dict[str, Any] = {"load_s": [], "first_sample_s": []}
        user = threading.Thread(target=in_turn, args=(loop, stream, engine, folder, took), daemon=True)
        user.start()
        with suppress(Stopped):
            loop.run()
        user.join(WAIT_S)
    if "error" in took:
        raise took["error"]
    load_s, first_s = (statistics.median(took[what]) for what in ("load_s", "first_sample_s"))
    return {**took, "over_load": first_s / load_s}


def checks(figures: dict[str, Any]) -> list[tuple[str, float, float, bool]]:
    """What each figure is, its value, its goal, and whether that is met."""
    ratio, goal = figures["over_load"], GOALS["over_load"]
    return [("joiner's first sample over its bare load", ratio, goal, ratio <= goal)]


def shown(figures: dict[str, Any]) -> list[tuple[str, float]]:
    """What has no goal."""
    return [(f"{what}, median", statistics.median(figures[what])) for what in ("load_s", "first_sample_s")]


def in_turn(loop: Any, stream: Any, engine: Any, folder: Path, took: dict[str, Any]) -> None:
    """Beside the run: load a worker, have one join and leave, and again; then end the run."""
    from actors.rollout.board import UserSide
    from actors.rollout.worker import start_worker

    try:
        until(lambda: stream.steps > 1)
        for _ in range(ROUNDS):
            begun = time.monotonic()
            worker = start_worker(str(folder / "model"), engine, 0)
            ray.get(worker.load.remote(), timeout=WAIT_S)
            took["load_s"].append(time.monotonic() - begun)
            ray.kill(worker)
            known = set(stream.first)
            begun = time.monotonic()
            threading.Thread(target=UserSide(str(folder / "run")).scale, args=(2,), daemon=True).start()
            until(lambda known=known: set(stream.first) - known)  # type: ignore[misc]
            (joiner,) = set(stream.first) - known
            took["first_sample_s"].append(stream.first[joiner] - begun)
            print({what: seconds[-1] for what, seconds in took.items()}, file=sys.stderr, flush=True)
            UserSide(str(folder / "run")).scale(1)
            until(lambda: stream.metrics().get("workers/serving") == 1)
    except BaseException as error:  # told by the main thread
        took["error"] = error
    finally:
        loop.stop.request("SIGTERM")


def until(holds: Any) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + WAIT_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("the run does not do what it was asked for")
        time.sleep(0.02)


def started(folder: Path, stack: ExitStack) -> tuple[Any, Any, Any]:
    """The loop of an asynchronous run, its stream, and how its engines are set."""
    from actors.cluster import connect
    from actors.learner.group import LearnerGroup
    from actors.rollout.board import RunSide
    from actors.rollout.stream import RolloutStream
    from actors.rollout.worker import start_worker
    from actors.scoring.pool import RewardPool
    from psyche_rl.config.grpo import GrpoConfig
    from psyche_rl.fleet.sizing import Between, Scaling
    from psyche_rl.learner.schedule import OptimSettings
    from psyche_rl.ledger.ledger import Ledger
    from psyche_rl.loops.checkpoints import Checkpoints
    from psyche_rl.loops.error_budget import ErrorBudget
    from psyche_rl.loops.grpo_async import AsyncGrpo
    from psyche_rl.loops.metrics_log import MetricsLog
    from psyche_rl.loops.producer import Producer
    from psyche_rl.loops.prompt_queue import PromptQueue
    from psyche_rl.loops.prompt_schedule import PromptSchedule
    from psyche_rl.loops.prompt_states import PromptStates
    from psyche_rl.records import Question
    from psyche_rl.store import RunStore
    from rewards import exam_reward

    class Stream(RolloutStream):
        """Notes when a worker's first samples are taken."""

        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            self.first: dict[int, float] = {}
            self.steps = 0

        def stepped(self, step: int, _: Any) -> None:
            self.steps = step

        def _heed(self, answers: Any) -> Any:
            found = super()._heed(answers)
            for answer in answers:
                if answer.kind == "collect" and answer.error is None and answer.value.samples:
                    self.first.setdefault(answer.slot, time.monotonic())
            return found

    config = GrpoConfig.model_validate({
        "lr": LR, "prompts_per_step": PROFILE.prompts, "mini_batch_prompts": PROFILE.prompts,
        "group_size": PROFILE.group, "kl_coef": KL_COEF, "warmup_steps": 0, "eval_every": 0,
        "save_every": 10**6, "max_tokens": PROFILE.reply, "staleness": 1,
        "rollout_workers": {"min": 1, "max": 2},
        "learner": {"dtype": "float32", "row_tokens": PROFILE.row_tokens, "threads": 1,
                    "micro_batch_tokens": PROFILE.micro_batch_tokens},
        "engine": {"dtype": "float32", "max_model_len": 512, "kv_cache_mib": 64, "enforce_eager": True,
                   "threads": 1},
    })  # fmt: skip
    questions = [
        Question(id=f"q{n}", source="words", kind="short", stem=text_of(ids), options=(), gold="A")
        for n, ids in enumerate(prompts_of(PROFILE, 4 * PROFILE.prompts))
    ]
    connect()
    model, store = str(folder / "model"), RunStore(str(folder / "run"))
    ledger, steps = Ledger(store, "grpo"), 10**6
    scaling = Scaling(Between(1, 2))
    scaling.ask(1)  # until the user says otherwise
    stream = Stream(
        lambda version: start_worker(model, config.engine, version), scaling,
        ledger=ledger, board=RunSide(store.url), wait_s=WAIT_S,
    )  # fmt: skip
    scorers = stack.enter_context(closing(RewardPool(exam_reward(1.0, 0.5), workers=2, timeout_s=10)))
    learner = LearnerGroup(model, config.learner, OptimSettings(LR, "constant", steps), with_reference=True)
    stack.callback(learner.shutdown)
    stack.enter_context(stream)
    scorers.ready()
    common: dict[str, Any] = {
        "config": config, "seed": 0, "total_steps": steps, "codec": WordCodec(PROFILE.reply),
        "rollouts": stream, "scorers": scorers, "budget": ErrorBudget("exam", 1.0, 10**6), "ledger": ledger,
    }  # fmt: skip
    schedule = PromptSchedule(questions, PROFILE.prompts, 0, False)
    loop = AsyncGrpo(
        **common, learner=learner, reference=learner.reference, probe=None,
        checkpoints=Checkpoints(store, "grpo", 1), metrics=MetricsLog(store, "grpo"),
        keep_rollouts=lambda *_: None, on_step=stream.stepped,
        producer=Producer(**common, prompts=PromptQueue(schedule)),
        prompt_states=PromptStates(store, "grpo"), say=print,
    )  # fmt: skip
    return loop, stream, config.engine
