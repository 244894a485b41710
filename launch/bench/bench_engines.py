"""vLLM engines for a benchmark run: planned, placed and fed like those of a training run.

Collaborators: ``launch.stages.placed`` (plan and places of the eval stage), ``actors.rollout.stream`` (a lost
worker is replaced, its work given out again).
Invariants:
- An engine has four times as many requests as it runs side by side: what it finishes before the next ones
  come from the driver must not leave places empty.
- Nothing is left of the engines when the context ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

from launch.bench.answering import Answering
from launch.stages.placed import placed
from launch.stages.worker_seats import WorkerSeats
from psyche_rl.bench.engine_answers import engine_answers
from psyche_rl.bench.item_ask import ItemAsk
from psyche_rl.bench.item_codec import ItemCodec
from psyche_rl.bench.reply_journal import Answered
from psyche_rl.config import RunConfig
from psyche_rl.config.bench import BenchConfig
from psyche_rl.errors import ConfigError
from psyche_rl.events import Events
from psyche_rl.fleet.sizing import Fixed, Scaling
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.model_folder import tokenizer_folder
from psyche_rl.progress import awaiting
from psyche_rl.run_context import StageContext
from psyche_rl.store import RunStore

ROLE = "engine"
QUEUE = 4
"""Requests with an engine, for each that it runs. With 2, a tiny model finished more between two deliveries
than were waiting, and took 642 steps for what 602 full ones do."""
LINGER_S = 0.2
"""Nobody waits for a single reply: workers hand out many at a time, which costs the engine less."""


@contextmanager
def engines_answering(context: StageContext) -> Iterator[Answering]:
    """Engines on ``config.model``, each in its place; they end with the context.

    Raises:
        ModelError: the folder cannot be served.
        PlacementError: the engines do not fit the cluster.
    """
    from actors.rollout.stream import RolloutStream

    config, model = context.config, context.config.model
    if model is None:
        raise ConfigError("model is not set; name the folder to evaluate")
    codec = ItemCodec.of_model(tokenizer_folder(model), config.eval.engine.max_model_len)
    with ExitStack() as stack:
        places = stack.enter_context(placed(context, "eval"))
        engine, workers = places.config.eval.engine, len(places.of(ROLE))
        seats = WorkerSeats(model, engine, places, ROLE, LINGER_S)
        stream = RolloutStream(
            seats.new_worker,
            Scaling(Fixed(workers)),
            ledger=Ledger(context.store, "bench"),
            cap=QUEUE * engine.max_num_seqs,
            wait_s=config.grpo.wait_s,
            say=context.events.say,
            end_worker=seats.end_worker,
            checked=lambda _: False,
        )
        stack.callback(stream.stop)
        with awaiting(context.events, "bench: engines"):
            stream.start()
        window, runs = 2 * QUEUE * engine.max_num_seqs * workers, count()

        def answers(asks: Iterable[ItemAsk], name: str) -> Iterator[list[Answered]]:
            return engine_answers(
                asks,
                codec,
                lambda request: stream.submit(request, counted=False),
                window,
                f"{name}/{next(runs)}",
                stream.together,
            )

        yield answers


def engine_context(model: str, store: RunStore, events: Events, bench: BenchConfig) -> StageContext:
    """The context of a stage that has nothing but these engines."""
    tree = {
        "run_dir": store.url,
        "model": model,
        "device": bench.device,
        # What the eval stage would ask is not asked here, and must leave room in any context.
        "eval": {"workers": bench.engines, "engine": bench.engine.model_dump(), "max_tokens": 1},
    }
    return StageContext(RunConfig.model_validate(tree), store, events)
