"""Who answers: engines of this cluster, or an endpoint; started only where something is to be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from psyche_rl.bench.client_thread import ClientThread
from psyche_rl.bench.endpoint_answers import endpoint_answers
from psyche_rl.bench.item_ask import ItemAsk
from psyche_rl.bench.reply_journal import Answered
from psyche_rl.config.bench import in_bench_keys
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import BudgetError, PsycheError, TeacherError
from psyche_rl.llm import probe
from psyche_rl.llm.call_cache import CACHE_FILE
from psyche_rl.store import RunStore
from rewards.blocking import run_blocking

Answering = Callable[[Iterable[ItemAsk], str], Iterator[list[Answered]]]
"""Asks of one benchmark and its name in, replies out as they come."""


@contextmanager
def endpoint_answering(calls: TeacherConfig, store: RunStore) -> Iterator[Answering]:
    """The endpoint of ``calls``, with the cache of ``store``.

    Raises:
        TeacherError: nobody answers there, or the key is refused.
    """
    with in_our_words(), endpoint_client(calls, store) as client:
        yield lambda asks, name: endpoint_answers(asks, client, name)


@contextmanager
def endpoint_client(calls: TeacherConfig, store: RunStore) -> Iterator[ClientThread]:
    """A client whose server has been seen to be there."""
    run_blocking(probe(calls))
    with ClientThread(calls, store.local_path(CACHE_FILE)) as client:
        yield client


@contextmanager
def in_our_words() -> Iterator[None]:
    """The client's errors name keys of a run's config: ``teacher.budget`` is ``calls.budget`` here."""
    try:
        yield
    except (TeacherError, BudgetError) as error:
        renamed: PsycheError = type(error)(in_bench_keys(str(error)))
        raise renamed from None
