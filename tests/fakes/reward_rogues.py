"""Rewards that do as they are told by the reply: hang, crash, raise, count."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from pathlib import Path
from typing import ClassVar

from rewards import Reward, RewardSample, Score


def sample(number: int, response: str = "") -> RewardSample:
    return RewardSample(id=str(number), response=response, gold="A", kind="single")


def samples(count: int, **rogue: str) -> list[RewardSample]:
    """``count`` samples; ``_5="hang"`` makes the sixth do so."""
    return [sample(i, rogue.get(f"_{i}", "")) for i in range(count)]


def worth(given: RewardSample) -> Score:
    return Score.of(float(given.id))


class Obedient(Reward):
    """Does what the reply says; notes each score it has reached in a file."""

    name = "obedient"
    KEPT: ClassVar[list[bytearray]] = []

    def __init__(self, notes: str = "", each_s: float = 0.0) -> None:
        self.notes, self.each_s = notes, each_s

    def score(self, sample: RewardSample) -> Score:
        deed = sample.response
        if deed == "hang":
            while True:
                time.sleep(60)
        if deed == "spin":
            while True:
                pass
        if deed == "segfault":
            ctypes.string_at(0)
        if deed == "die":
            os._exit(1)
        if deed == "exit":
            raise SystemExit("leaving")
        if deed == "raise":
            raise KeyError("no such key")
        if deed == "hoard":
            while True:
                self.KEPT.append(bytearray(64 << 20))
        if deed == "nonsense":
            return 1.0  # type: ignore[return-value]
        if deed == "pid":
            return Score.of(float(os.getpid()))
        time.sleep(self.each_s)
        note(self.notes, sample.id)
        return worth(sample)


class Patient(Reward):
    """Waits for a judge that takes ``each_s``, or does what the reply says."""

    name = "patient"

    def __init__(self, each_s: float = 0.0, notes: str = "") -> None:
        self.each_s, self.notes = each_s, notes

    async def ascore(self, sample: RewardSample) -> Score:
        if sample.response == "hang":
            await asyncio.Event().wait()
        if sample.response == "block":
            time.sleep(600)
        if sample.response == "die":
            os._exit(1)
        if sample.response == "timeout":
            raise TimeoutError("the judge's own")
        await asyncio.sleep(self.each_s)
        note(self.notes, sample.id)
        return worth(sample)


def note(notes: str, line: str) -> None:
    if notes:
        with open(notes, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def noted(notes: Path) -> list[str]:
    return notes.read_text("utf-8").split() if notes.exists() else []
