"""Replies to items from vLLM engines that are fed while they work.

Collaborators: ``item_codec``; a stream of rollouts (``actors.rollout.stream``), of which only ``submit`` is
used; ``full_window``.
Invariants:
- Engines always have a queue of about as many requests as they run side by side.
- An item that cannot be put to the model is a failed reply of its own, and ends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext

from psyche_rl.bench.full_window import answered_in_turn, failed
from psyche_rl.bench.item_ask import ItemAsk
from psyche_rl.bench.item_codec import ItemCodec
from psyche_rl.bench.reply_journal import Answered
from psyche_rl.evaluation.item_scoring import ItemReply
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.streaming import GroupGivenUpError

SubmitRequest = Callable[[GenerationRequest], "Future[tuple[Sample, ...]]"]


def engine_answers(
    asks: Iterable[ItemAsk],
    codec: ItemCodec,
    submit: SubmitRequest,
    window: int,
    prefix: str = "bench",
    together: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Iterator[list[Answered]]:
    """All replies, each once; requests are named ``<prefix>/<key>``, and sent ``together`` (``full_window``).

    Raises:
        RemoteWaitError: workers keep dying.
    """

    def ask_engines(ask: ItemAsk) -> Future[ItemReply] | ItemReply:
        try:
            request = codec.request(ask, f"{prefix}/{ask.key}")
        except Exception as error:  # a template, a tokenizer: what an item does to them is its own fault
            return failed(error)
        if isinstance(request, ItemReply):
            return request
        reply: Future[ItemReply] = Future()
        submit(request).add_done_callback(lambda samples: _read(codec, samples, reply))
        return reply

    yield from answered_in_turn(asks, ask_engines, window, (GroupGivenUpError,), together)


def _read(codec: ItemCodec, samples: Future[tuple[Sample, ...]], reply: Future[ItemReply]) -> None:
    try:
        (sample,) = samples.result()
        reply.set_result(codec.reply(sample))
    except BaseException as error:  # whoever waits for the reply is told
        reply.set_exception(error)
