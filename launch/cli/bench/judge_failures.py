"""Judgements that failed, told to whoever typed the command.

Invariant: some failures are counted and no more; a judge who answered nothing at all makes the command fail,
since what was asked for is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from psyche_rl.terminal.plain import echo


class JudgeFailures(NamedTuple):
    """Of one judge on one benchmark."""

    judge: str
    asked: int
    failed: int
    first: str | None


def of_replies(judges: Mapping[str, Any]) -> Iterator[JudgeFailures]:
    """From the figures of ``judge_figures``; nothing where nobody judged."""
    for judge, asked in judges.get("asked", {}).items():
        yield JudgeFailures(judge, asked, judges["failed"].get(judge, 0), judges["first_failure"].get(judge))


def of_pairs(judges: Mapping[str, Mapping[str, Any]]) -> Iterator[JudgeFailures]:
    """From the figures of ``pair_figures`` by judge."""
    for judge, found in judges.items():
        yield JudgeFailures(judge, found["pairs"], found["failed"], found["first_failure"])


def tell_failures(benchmark: str, judges: Iterator[JudgeFailures]) -> bool:
    """A line on stderr for each judge with failures; returns whether a judge answered nothing."""
    useless = False
    for judge, asked, failed, first in judges:
        if failed:
            echo(
                f"{benchmark}: {failed} of {asked} judgements by {judge} failed, the first: {first}", err=True
            )
        useless |= 0 < asked == failed
    return useless
