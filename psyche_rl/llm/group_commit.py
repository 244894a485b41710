"""Replies that arrive together are committed to the cache together.

Role: between ``client`` and ``call_cache``: a commit each would cost as much as sending the next request, and
stand in its way. Invariant: :meth:`GroupCommit.put` returns after the reply is committed, so nobody sees a
reply, or sends a request in its place, while a SIGKILL could still lose it.
"""

from __future__ import annotations

import asyncio

from psyche_rl.llm.call_cache import Answered, CallCache

PAUSE_S = 0.0
"""How long a reply waits for others that are not in the event loop yet. Not at all, since its place is held
until the commit."""


class GroupCommit:
    """Use it inside one event loop, in the thread that owns the cache."""

    def __init__(self, cache: CallCache) -> None:
        self._cache = cache
        self._waiting: list[Answered] = []
        self._committed: asyncio.Future[None] | None = None

    async def put(self, answered: Answered) -> None:
        """Keep a reply; it is committed when this returns.

        Raises:
            sqlite3.Error: the cache cannot be written.
        """
        self._waiting.append(answered)
        if self._committed is None:
            loop = asyncio.get_running_loop()
            self._committed = loop.create_future()
            loop.call_later(PAUSE_S, self._commit)
        await asyncio.shield(self._committed)

    def _commit(self) -> None:
        waiting, committed = self._waiting, self._committed
        self._waiting, self._committed = [], None
        assert committed is not None
        try:
            self._cache.put_many(waiting)
        except Exception as error:
            committed.set_exception(error)
        else:
            committed.set_result(None)
