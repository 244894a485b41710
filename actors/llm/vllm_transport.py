"""Chats answered by vLLM engines of this cluster: a teacher without a server.

Role: the ``Transport`` of ``teacher.engine: vllm``. Requests that wait when an engine falls idle go to it as
one batch.
Collaborators: ``actors.rollout.worker`` (one engine each, GPU or CPU), ``psyche_rl.llm.client`` (retries,
cache, budget).
Invariants:
- Every request ends in an answer or in a typed error.
- An engine that died or hangs is replaced in its place, and what it had is tried again by the client.
- Which requests share a batch changes no seed.
- A JSON schema is not enforced here, since engines take token ids and have no tokenizer.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import ray
from ray.exceptions import RayError

from actors.placement.place import ANYWHERE, Place
from actors.rollout.worker import start_worker
from actors.waits import Waiting, first_line, raised, understood
from psyche_rl.chat_prompt import ChatPrompt, chat_prompt, opened_think
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import ChatTemplateError, PsycheError, RemoteWaitError
from psyche_rl.llm.attempts import Answer, FailedAttemptError, RefusedError, Sent
from psyche_rl.llm.chat import ChatReply, ChatRequest
from psyche_rl.model_folder import context_length, load_tokenizer, model_folder, stop_token_ids
from psyche_rl.records import GenerationRequest, Message, Sample
from psyche_rl.reply_decoding import ReplyDecoder

START_S = 900.0
"""Deadline of an engine's start, in seconds; loading a large model from a network disk takes minutes."""
GATHER_S = 0.02  # what an idle engine waits for company of the first request
LOSSES = 3  # engines lost in one place without an answer in between: replacing does not cure it


class _Waiting(NamedTuple):
    request: GenerationRequest
    answer: asyncio.Future[Sample]


class VllmTransport:
    """``teacher.vllm_engines`` engines, started at the first request. Use it inside one event loop.

    ``places``, where a plan has made some, are one for each engine, and say how many there are.
    """

    def __init__(self, config: TeacherConfig, places: Sequence[Place] = ()) -> None:
        self._config = config
        stated = config.vllm_engines if isinstance(config.vllm_engines, int) else 1
        self._places = tuple(places) or (ANYWHERE,) * stated
        self._queue: deque[_Waiting] = deque()
        self._arrived = asyncio.Condition()
        self._idle = 0
        self._engines: list[asyncio.Task[None]] = []
        self._workers: dict[int, Any] = {}
        self._start: asyncio.Task[None] | None = None
        self._number = 0

    async def attempt(self, request: ChatRequest) -> Answer:
        """One try, as part of some engine's next batch.

        Raises:
            RefusedError: prompt and reply do not fit the context, or the chat template refuses the turns.
            FailedAttemptError: the engine died or did not answer in time.
            PsycheError: the model cannot be served, or engines keep dying.
        """
        if self._start is None:
            self._start = asyncio.ensure_future(self._load())
        await asyncio.shield(self._start)
        prompt = self._prompt(request)
        generation = self._generation(request, prompt.ids)
        waiting = _Waiting(generation, asyncio.get_running_loop().create_future())
        async with self._arrived:
            self._queue.append(waiting)
            self._arrived.notify()
        sample = await waiting.answer
        text = self._decoder.text(sample.response_ids, prompt.opened)
        used = len(sample.prompt_ids), len(sample.response_ids)
        reply = ChatReply(text, *used, finish_reason=sample.finish_reason)
        return Answer(reply, Sent(request.body(), request.model, "vllm"))

    def abandon(self, error: PsycheError) -> None:
        """End with ``error`` every request that is in no batch yet."""
        _fail(self._queue, error)
        self._queue.clear()

    async def close(self) -> None:
        """End the engines."""
        for task in self._engines:
            task.cancel()
        for worker in self._workers.values():
            ray.kill(worker)
        self._workers.clear()

    async def _load(self) -> None:
        folder = await asyncio.to_thread(model_folder, self._config.model)
        self._tokenizer = await asyncio.to_thread(load_tokenizer, folder)
        self._stops = stop_token_ids(folder, self._tokenizer.eos_token_id)
        opened_think(self._tokenizer)  # a model without a chat template is told before it is loaded
        self._decoder = ReplyDecoder(self._tokenizer, self._stops)
        self._context = context_length(folder, self._config.vllm.max_model_len)
        places = range(len(self._places))
        await asyncio.gather(*(self._replace(place) for place in places))
        self._engines = [asyncio.ensure_future(self._serve(place)) for place in places]

    async def _replace(self, place: int) -> None:
        """A new engine in its place, loaded."""
        if (former := self._workers.pop(place, None)) is not None:
            ray.kill(former)
        worker = start_worker(self._config.model, self._config.vllm, 0, self._places[place])
        self._workers[place] = worker
        await _result(worker.load.remote(), place, "start", START_S)

    async def _serve(self, place: int) -> None:
        """Answer batch after batch, for ever; a lost engine costs its batch one try."""
        losses = 0
        while True:
            batch = await self._batch()
            try:
                samples = await _result(
                    self._workers[place].generate.remote([w.request for w in batch], 0),
                    place,
                    "generate",
                    self._config.timeout_s,
                )
            except RemoteWaitError as lost:
                losses += 1
                error: Exception = FailedAttemptError("connection", str(lost))
                try:
                    if losses >= LOSSES:
                        raise
                    await self._replace(place)
                except PsycheError as hopeless:
                    error = hopeless
                _fail(batch, error)
            except PsycheError as hopeless:
                _fail(batch, hopeless)
            else:
                losses = 0
                for waiting, (sample,) in zip(batch, samples, strict=True):
                    if not waiting.answer.done():
                        waiting.answer.set_result(sample)

    async def _batch(self) -> list[_Waiting]:
        """What waits, shared among the engines that are idle."""
        async with self._arrived:
            self._idle += 1
            try:
                await self._arrived.wait_for(lambda: bool(self._queue))
            finally:
                self._idle -= 1
        await asyncio.sleep(GATHER_S)
        async with self._arrived:
            share = math.ceil(len(self._queue) / (self._idle + 1))
            count = min(share, self._config.vllm.max_num_seqs)
            batch = [self._queue.popleft() for _ in range(count)]
            if self._queue:
                self._arrived.notify()
        return batch or await self._batch()

    def _prompt(self, request: ChatRequest) -> ChatPrompt:
        turns = [Message.model_validate({"role": role, "content": said}) for role, said in request.messages]
        try:
            prompt = chat_prompt(self._tokenizer, turns)
        except ChatTemplateError as refused:
            raise RefusedError(400, str(refused)) from None
        if len(prompt.ids) + request.max_tokens > self._context:
            raise RefusedError(
                400,
                f"{len(prompt.ids)} prompt tokens and {request.max_tokens} of the reply exceed the context "
                f"of {self._context}; see teacher.max_tokens and teacher.vllm.max_model_len",
            )
        return prompt

    def _generation(self, request: ChatRequest, prompt_ids: tuple[int, ...]) -> GenerationRequest:
        self._number += 1
        return GenerationRequest(
            id=str(self._number),
            prompt_ids=prompt_ids,
            temperature=request.temperature,
            max_tokens=request.max_tokens,
            stop_token_ids=self._stops,
            seed=request.sample,
        )


def _fail(batch: Iterable[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)


async def _result(ref: Any, place: int, phase: str, deadline_s: float) -> Any:
    """The actor's result.

    Raises:
        PsycheError: the actor raised one.
        RemoteWaitError: it died, or did not answer in time.
    """
    waiting = Waiting(f"teacher engine {place}", phase, None, deadline_s)
    try:
        return await asyncio.wait_for(asyncio.wrap_future(ref.future()), deadline_s)
    except TimeoutError:
        raise waiting.failed(f"no answer within {deadline_s:.0f} s") from None
    except RayError as error:
        meaning = understood(error, waiting)
        if meaning is error:  # an engine in which something broke: another takes its place
            meaning = waiting.failed(first_line(raised(error)))
        raise meaning from error


if TYPE_CHECKING:  # held against what the core asks
    from psyche_rl.llm.attempts import Transport

    _: type[Transport] = VllmTransport
