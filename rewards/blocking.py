"""Code that is not async and runs a loop of its own, whether or not a loop runs around it.

>>> async def answer():
...     return 42
>>> run_blocking(answer())
42
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_blocking(work: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result; its exceptions pass through."""
    import asyncio  # 30 ms, which most users of the package never need

    return outside_loops(lambda: asyncio.run(work))


def outside_loops(work: Callable[[], T]) -> T:
    """What ``work`` returns, which starts a loop; its exceptions pass through.

    Inside a running loop (a notebook, an async trainer) a loop cannot be started in the same thread, so
    the work gets a thread of its own.
    """
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()
