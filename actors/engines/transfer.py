"""One direct update of an engine's weights, carried out in the engine's thread as the learner tells it.

Role: the learner's calls come one by one (start, bucket after bucket, finish), on other threads; the engine
must take no step between them.
Collaborators: ``actors.rollout.worker`` receives the calls; ``vllm_weights`` carries them out.
Invariants:
- From the first call to the last the engine's thread does nothing else.
- A learner that falls silent costs an error after a stated patience, never a hanging engine.
- After an error no call of the same update is carried out, and each is told so.
"""

from __future__ import annotations

from concurrent.futures import Future
from queue import Empty, Queue
from typing import Any

from psyche_rl.errors import WeightSyncError

FINISH = "finish_weight_update"
"""The last call of an update."""


class Transfer:
    """The calls of one update; ``patience_s`` is how long each is waited for, in seconds."""

    def __init__(self, patience_s: float = 600.0) -> None:
        self._patience_s = patience_s
        self._calls: Queue[tuple[str, dict[str, Any], Future[None]]] = Queue()
        self._ended: WeightSyncError | None = None

    def tell(self, call: str, arguments: dict[str, Any]) -> None:
        """By any thread: have a method of ``vllm.LLM`` called; returns when that is done.

        Raises:
            WeightSyncError: the engine did not take the weights.
        """
        future: Future[None] = Future()
        self._calls.put((call, arguments, future))
        if self._ended is not None:  # perhaps after the last look into the queue
            raise self._ended
        try:
            future.result(self._patience_s)
        except TimeoutError:
            raise WeightSyncError(
                f"direct weight update: {call} took over {self._patience_s:.0f} s"
            ) from None

    def carry_out(self, llm: Any) -> None:
        """By the engine's thread: all calls, until the update is finished.

        Raises:
            WeightSyncError: a call failed, or the next one did not come.
        """
        while True:
            try:
                call, arguments, future = self._calls.get(timeout=self._patience_s)
            except Empty:
                raise self._end(f"the learner was silent for {self._patience_s:.0f} s") from None
            try:
                getattr(llm, call)(**arguments)
            except Exception as error:  # vLLM's, of any kind
                ended = self._end(f"{call}: {error}")
                future.set_exception(ended)
                raise ended from error
            future.set_result(None)
            if call == FINISH:
                self._end("it is over")
                return

    def _end(self, why: str) -> WeightSyncError:
        self._ended = WeightSyncError(f"direct weight update: {why}")
        while not self._calls.empty():
            self._calls.get_nowait()[2].set_exception(self._ended)
        return self._ended
