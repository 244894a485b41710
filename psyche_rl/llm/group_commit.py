"""Replies that arrive together are committed to the cache together.

Role: between ``client`` and ``call_cache``: a commit each would cost as much as sending the next request, and
stand in its way. Invariant: :meth:`GroupCommit.put` returns after the reply is committed, so nobody sees a
reply, or sends a request in its place, while a SIGKILL could still lose it. A reply that cannot be stored
fails alone.
"""

from __future__ import annotations

import asyncio
import sqlite3

from psyche_rl.llm.call_cache import Answered, CallCache

PAUSE_S = 0.0
"""How long a reply waits for others that are not in the event loop yet. Not at all, since its place is held
until the commit."""


class GroupCommit:
    """Use it inside one event loop, in the thread that owns the cache."""

    def __init__(self, cache: CallCache) -> None:
        self._cache = cache
        self._waiting: list[tuple[Answered, asyncio.Future[None]]] = []

    async def put(self, answered: Answered) -> None:
        """Keep a reply; it is committed when this returns.

        Raises:
            sqlite3.Error: the cache cannot be written.
            Exception: this reply cannot be stored; the others that were committed with it are.
        """
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[None] = loop.create_future()
        self._waiting.append((answered, committed))
        if len(self._waiting) == 1:
            loop.call_later(PAUSE_S, self._commit)
        await asyncio.shield(committed)

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            self._cache.put_many([answered for answered, _ in waiting])
        except sqlite3.OperationalError as error:  # the file is to blame, and no reply
            for _, committed in waiting:
                committed.set_exception(error)
        except Exception:
            self._commit_one_by_one(waiting)
        else:
            for _, committed in waiting:
                committed.set_result(None)

    def _commit_one_by_one(self, waiting: list[tuple[Answered, asyncio.Future[None]]]) -> None:
        """One of them cannot be stored; the others are not lost with it."""
        for answered, committed in waiting:
            try:
                self._cache.put_many([answered])
            except Exception as error:
                committed.set_exception(error)
            else:
                committed.set_result(None)
