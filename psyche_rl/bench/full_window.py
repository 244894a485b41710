"""Asking with many replies under way: as one comes the next is asked, so that engines and servers stay busy.

Role: turns ``submit`` (an ask in, a future out) into batches of replies, in the order in which they come.
Invariants:
- As many asks are open as the window holds, as long as there are any left.
- What ``submit`` or a future raises ends the run, unless it is among ``own_fault``; what came before it is
  handed out first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import islice
from queue import SimpleQueue

from psyche_rl.bench.item_ask import ItemAsk
from psyche_rl.bench.reply_journal import Answered
from psyche_rl.errors import PsycheError
from psyche_rl.evaluation.item_scoring import ItemReply

Submit = Callable[[ItemAsk], "Future[ItemReply] | ItemReply"]
"""A reply at once where nothing can be asked (an item without room in the context, or that a template
refuses)."""
REASON_CHARS = 300
AT_ONCE = 64
"""Asks that are put together: few enough that none waits long for the last of them to be made ready."""


def answered_in_turn(
    asks: Iterable[ItemAsk],
    submit: Submit,
    window: int,
    own_fault: tuple[type[Exception], ...] = (),
    together: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Iterator[list[Answered]]:
    """All replies, each once.

    Args:
        together: what is put within it may be sent as one.

    Raises:
        PsycheError: the model cannot be asked any more.
    """
    waiting, came, under_way = iter(asks), SimpleQueue[tuple[ItemAsk, Future[ItemReply]]](), 0
    while True:
        at_once: list[Answered] = []
        while under_way < window and len(at_once) < window:
            with together():
                put = [(ask, _put(ask, submit)) for ask in islice(waiting, min(AT_ONCE, window - under_way))]
            if not put:
                break
            for ask, found in put:
                if isinstance(found, ItemReply):
                    at_once.append((ask, found))
                else:
                    under_way += 1
                    found.add_done_callback(partial(_heard, came, ask))
        if at_once:
            yield at_once
        if not under_way:
            if at_once:
                continue
            return
        ended = [came.get()]
        while not came.empty():
            ended.append(came.get())
        under_way -= len(ended)
        good, fatal = _sorted_out(ended, own_fault)
        if good:
            yield good
        if fatal is not None:
            raise fatal


def failed(error: BaseException) -> ItemReply:
    """The reply of an ask that came to nothing."""
    said = str(error) if isinstance(error, PsycheError) else f"{type(error).__name__}: {error}"
    return ItemReply("", ended="failed", error=" ".join(said.split())[:REASON_CHARS])


def _put(ask: ItemAsk, submit: Submit) -> Future[ItemReply] | ItemReply:
    try:
        return submit(ask)
    except Exception as error:  # told in its turn, after the replies that came before
        refused: Future[ItemReply] = Future()
        refused.set_exception(error)
        return refused


def _sorted_out(
    ended: Iterable[tuple[ItemAsk, Future[ItemReply]]], own_fault: tuple[type[Exception], ...]
) -> tuple[list[Answered], BaseException | None]:
    good: list[Answered] = []
    fatal: BaseException | None = None
    for ask, future in ended:
        error = future.exception()
        if error is None:
            good.append((ask, future.result()))
        elif isinstance(error, own_fault):
            good.append((ask, failed(error)))
        else:
            fatal = fatal or error
    return good, fatal


def _heard(
    came: SimpleQueue[tuple[ItemAsk, Future[ItemReply]]], ask: ItemAsk, future: Future[ItemReply]
) -> None:
    came.put((ask, future))
