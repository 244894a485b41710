"""What runs inside a scoring process: samples come in, each score goes out as soon as it is there.

Collaborators: ``fork_server`` forks the process with the reward loaded; ``process_pool`` holds the other end
of the stream.

Invariants:

- one reply per sample; an exception is that sample's typed error;
- a scorer of ordinary functions takes samples one by one in the order given;
- one of coroutines takes all at once, each with its own deadline.
"""

from __future__ import annotations

import asyncio
import pickle
import socket

from actors.scoring.frames import FrameBuffer, frame, read_frames
from rewards import Reward, RewardSample, Score
from rewards.composition import scored


def serve(reward: Reward, channel: socket.socket, timeout_s: float) -> None:
    """Score what comes over ``channel`` until its other end closes."""
    if reward.is_async:
        asyncio.run(_serve_concurrently(reward, channel, timeout_s))
        return
    with channel.makefile("rb") as stream:
        for number, body in read_frames(stream):
            score, sound = _score(reward, pickle.loads(body))
            channel.sendall(_reply(number, score))
            if not sound:
                return


async def _serve_concurrently(reward: Reward, channel: socket.socket, timeout_s: float) -> None:
    channel.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=channel)
    buffer, running = FrameBuffer(), set[asyncio.Task[None]]()

    async def one(number: int, sample: RewardSample) -> None:
        writer.write(_reply(number, await _ascore(reward, sample, timeout_s)))
        await writer.drain()

    while piece := await reader.read(1 << 16):
        for number, body in buffer.feed(piece):
            task = asyncio.ensure_future(one(number, pickle.loads(body)))
            running.add(task)
            task.add_done_callback(running.discard)


def _score(reward: Reward, sample: RewardSample) -> tuple[Score, bool]:
    """The score, and whether the process is fit for another: what used up its memory may still hold it."""
    try:
        return scored(reward.score(sample)), True
    except Exception as error:
        return _failed(reward, sample, error), not isinstance(error, MemoryError)


async def _ascore(reward: Reward, sample: RewardSample, timeout_s: float) -> Score:
    try:
        async with asyncio.timeout(timeout_s) as limit:
            return scored(await reward.ascore(sample))
    except Exception as error:
        if isinstance(error, TimeoutError) and limit.expired():
            return timed_out(reward.name, sample.id, timeout_s)
        return _failed(reward, sample, error)


def timed_out(name: str, sample_id: str, timeout_s: float) -> Score:
    """The score of a sample that took too long."""
    return Score.failed("timeout", f"{name} on sample {sample_id}: no score within {timeout_s:g} s")


def _failed(reward: Reward, sample: RewardSample, error: Exception) -> Score:
    why = f"{type(error).__name__}: {error}"
    return Score.failed("scorer_exception", f"{reward.name} on sample {sample.id}: {why}")


def _reply(number: int, score: Score) -> bytes:
    return frame(number, pickle.dumps(score, protocol=5))
